/** What a failed ZTS call means for the pod: refused for good, or to be tried again (design.md 3, rule 8). */
import { IdentityError, kindOf, type ReasonKind } from '@pallas/identity'
import { ZtsError } from '@pallas/zts'

const COME_BACK_MS = 5_000

/** The callback's own reason goes on to the pod when ZTS passes it on. Errors of other kinds stay as they are. */
export function issuerError(cause: unknown): unknown {
  if (!(cause instanceof ZtsError)) return cause
  const { code, status, detail, reason } = cause
  const fields = { zts: code, status, detail }
  const said = (kind: ReasonKind) => (reason !== undefined && kindOf(reason) === kind ? reason : undefined)
  if (!cause.retryable) {
    return new IdentityError(said('denied') ?? 'ISSUER_DENIED', 'zts refused the identity', fields, { cause })
  }
  const rest = { cause, retryAfterMs: cause.retryAfterMs ?? COME_BACK_MS }
  return new IdentityError(said('unavailable') ?? 'ISSUER_UNAVAILABLE', 'zts issues nothing now', fields, rest)
}
