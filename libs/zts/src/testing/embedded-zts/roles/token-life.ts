/** How long a token lives: the caller's wish within what the server, the domain and the roles allow (`zts.md` 8). */
import { limitOf, type RoleGrant } from './membership.ts'

const DEFAULT_SECONDS = 7_200
const LONGEST_SECONDS = 2_592_000

/** A wish for at most so long is taken as it is; one for at least so long only lengthens. Zero is no wish. */
export function tokenSeconds(grant: RoleGrant, { least = 0, most = 0 }: { least?: number; most?: number }): number {
  const wished = most > 0 ? most : Math.max(least, DEFAULT_SECONDS)
  const limitSeconds = (limitOf(grant, 'tokenExpiryMinutes') ?? 0) * 60
  return Math.min(wished, LONGEST_SECONDS, limitSeconds > 0 ? limitSeconds : Infinity)
}
