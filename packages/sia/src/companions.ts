/**
 * What runs beside the renewals on a home that has Node: token endpoint, health, metrics, hooks (`src/node/`).
 *
 * The renewals know only this door. The static home has no companions, and refuses the settings that ask for one.
 */
import type { Lifetime } from '@pallas/credentials'
import type { Clock } from '@pallas/host'
import type { ReasonCode } from '@pallas/identity'
import type { Log } from './log.ts'
import type { SiaSettings } from './settings/settings.ts'

/** Settings that this home cannot fulfil, one sentence each; they end the program with exit code 64. */
export interface CompanionHome {
  unfit(this: void, settings: SiaSettings): readonly string[]
  /** Resolves when whatever listens is listening. Servers are for `refresh` only. */
  start(this: void, settings: SiaSettings, deps: CompanionDeps, signal: AbortSignal): Promise<Companions>
}

export interface CompanionDeps {
  readonly clock: Clock
  readonly log: Log
  readonly tokens: Tokens
  /** What is wanted on disk, and how each of it stands now. */
  readonly members: () => readonly Member[]
}

/** Disposing stops listening first, then waits for hooks that run. */
export interface Companions extends AsyncDisposable {
  /** Files were put in place: readers may be told. Never throws and is not waited for by a renewal. */
  published(change: Change): void
  /** Something was not renewed; what was there stays. */
  failed(failure: Failure): void
}

export type MemberKind = 'service-certificate' | 'role-certificate' | 'access-token' | 'role-token'

export interface Member {
  readonly kind: MemberKind
  /**
   * `<domain>.<service>` (empty until the service has its first certificate), `<domain>:role.<role>`, or `<domain>` for
   * all its roles.
   */
  readonly name: string
  /** Undefined while there is none. */
  readonly life: Lifetime | undefined
  /** Absolute: those that were written; until then those that are wanted. Empty when it is kept in memory alone. */
  readonly paths: readonly string[]
  /** Why the last attempt failed; undefined after a success. */
  readonly problem: ReasonCode | undefined
}

export interface Change {
  readonly members: readonly Pick<Member, 'kind' | 'name'>[]
  /** The visible paths that now show something new. */
  readonly paths: readonly string[]
}

export interface Failure {
  readonly kind: MemberKind
  readonly name: string
  readonly error: unknown
}

/**
 * Tokens of ZTS, cached: one call at a time for one wish, shared by all who wait; kept fresh as long as somebody asks;
 * bounded in number. Both reject with `IdentityError`: `ISSUER_DENIED` with the status of ZTS (400, 401, 403, 404) in
 * `fields.status`, or `ISSUER_UNAVAILABLE`.
 */
export interface Tokens {
  accessToken(wish: AccessTokenWish, signal: AbortSignal): Promise<AccessToken>
  roleToken(wish: RoleTokenWish, signal: AbortSignal): Promise<RoleToken>
  /** What is cached and still lives, without asking anybody. */
  cached(wish: Pick<AccessTokenWish, 'domain' | 'roles'>): { readonly access?: AccessToken; readonly role?: RoleToken }
  /** For metrics: how many are held, and their bytes. */
  held(): Readonly<Record<'access-token' | 'role-token', { readonly entries: number; readonly bytes: number }>>
}

export interface TokenWish {
  readonly domain: string
  /** Sorted, without duplicates; empty: all roles of the domain. */
  readonly roles: readonly string[]
  readonly proxyForPrincipal?: string
}

export interface AccessTokenWish extends TokenWish {
  /** Life to ask for, seconds; unset: what ZTS gives. */
  readonly expirySeconds?: number
}

export interface RoleTokenWish extends TokenWish {
  readonly minExpirySeconds?: number
}

export interface AccessToken {
  readonly accessToken: string
  /** Epoch milliseconds. */
  readonly expiresAt: number
  /** Where ZTS granted other than what was asked. */
  readonly scope?: string
}

export interface RoleToken {
  readonly token: string
  /** Epoch milliseconds. */
  readonly expiresAt: number
}
