/** What a principal token says of its own time; one that cannot be read says nothing. */
import type { Lifetime } from '@pallas/credentials'
import { parseNToken } from '@pallas/identity'

/** Empty or one. */
export function livesOf(ntoken: string): readonly Lifetime[] {
  const claims = parseNToken(ntoken)?.claims
  return claims === undefined ? [] : [{ notBefore: claims.issuedAt * 1_000, notAfter: claims.expiresAt * 1_000 }]
}

/** `now` is epoch milliseconds. */
export const hasExpired = (ntoken: string, now: number): boolean =>
  livesOf(ntoken).some(({ notAfter }) => notAfter <= now)
