import type { Lifetime } from '@pallas/credentials'
import type { TokenKind } from '../settings/layout.ts'

/** When a token that was written down begins and ends, as it says itself; undefined when it does not say it. */
export function lifeOfToken(kind: TokenKind, text: string): Lifetime | undefined {
  const [from, to] = kind === 'role-token' ? timesOfRoleToken(text) : timesOfAccessToken(text)
  if (!isTime(from) || !isTime(to) || to <= from) return undefined
  return { notBefore: from * 1_000, notAfter: to * 1_000 }
}

const isTime = (value: unknown): value is number => Number.isSafeInteger(value)

/** `v=Z1;…;t=<from>;e=<to>;…` (spec/zts.md 10). */
const timesOfRoleToken = (text: string): readonly unknown[] =>
  ['t', 'e'].map((name) => Number(new RegExp(`;${name}=(\\d{1,12});`).exec(text)?.[1]))

function timesOfAccessToken(text: string): readonly unknown[] {
  try {
    const [, payload = ''] = text.split('.')
    const bytes = Uint8Array.fromBase64(payload.replaceAll('-', '+').replaceAll('_', '/'))
    const claims: unknown = JSON.parse(new TextDecoder().decode(bytes))
    if (typeof claims !== 'object' || claims === null) return []
    const { iat, exp } = claims as { readonly iat?: unknown; readonly exp?: unknown }
    return [iat, exp]
  } catch {
    return []
  }
}

/** Goes into a header and a file: printable, and nothing between its parts. */
export const isTokenText = (text: string): boolean => /^[\x21-\x7e]{1,65536}$/.test(text)
