/** One token that somebody wished for, and what can be said of several. */
import type { AccessToken, AccessTokenWish, RoleToken, RoleTokenWish } from '../companions.ts'

export type Wish =
  | { readonly kind: 'access-token'; readonly wish: AccessTokenWish }
  | { readonly kind: 'role-token'; readonly wish: RoleTokenWish }

/** Either kind. */
export interface HeldToken {
  readonly text: string
  /** Epoch milliseconds. */
  readonly expiresAt: number
  readonly scope?: string
}

export interface Entry {
  readonly key: string
  readonly of: Wish
  /** Somebody else renews it. */
  isPinned: boolean
  token?: HeldToken
  flight?: Promise<HeldToken> | undefined
  /** By the clock that never jumps. */
  askedAt: number
  dueAt: number
  failures: number
}

export const accessTokenOf = ({ text, ...rest }: HeldToken): AccessToken => ({ accessToken: text, ...rest })
export const roleTokenOf = ({ text, expiresAt }: HeldToken): RoleToken => ({ token: text, expiresAt })

export function keyOf({ kind, wish }: Wish): string {
  const { domain, roles, proxyForPrincipal = '' } = wish
  const life = kind === 'access-token' ? wish.expirySeconds : wish.minExpirySeconds
  return JSON.stringify([kind, domain, roles, proxyForPrincipal, life ?? 0])
}

export const isFor = ({ wish }: Wish, domain: string, roles: readonly string[]): boolean =>
  wish.proxyForPrincipal === undefined &&
  wish.domain === domain &&
  wish.roles.length === roles.length &&
  wish.roles.every((role, n) => role === roles[n])

export function dropOldest(entries: Map<string, Entry>, newest: Entry): void {
  const others = [...entries.values()].filter((it) => it !== newest && !it.isPinned)
  const oldest = others.sort((a, b) => a.askedAt - b.askedAt)[0]
  if (oldest !== undefined) entries.delete(oldest.key)
}

export function sizeOf(entries: ReadonlyMap<string, Entry>, kind: Wish['kind']) {
  const texts = [...entries.values()].flatMap(({ of, token }) => (of.kind === kind && token ? [token.text] : []))
  return { entries: texts.length, bytes: texts.reduce((sum, text) => sum + text.length, 0) }
}
