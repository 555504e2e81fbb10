/** What a caller of the token endpoint is told when it gets none: its own fault is 4xx, ZTS away is 503 with a time. */
import { IdentityError, type ReasonCode } from '@pallas/identity'

const COME_BACK_MS = 1_000

/** Beside the common table of `@pallas/service`. */
const STATUS_OF_CODE: Partial<Record<ReasonCode, number>> = {
  DOMAIN_UNKNOWN: 404,
  METHOD_UNSUPPORTED: 405,
  BODY_TYPE_UNSUPPORTED: 415,
}

export const tokenStatusOf = (code: ReasonCode): number | undefined => STATUS_OF_CODE[code]

/** What ZTS said to us, as something that is said to the caller. Errors that are not foreseen stay what they are. */
export function tokenRefusal(error: unknown): unknown {
  if (!(error instanceof IdentityError)) return error
  if (error.code === 'ISSUER_DENIED') return denialOf(error)
  if (error.kind !== 'unavailable' || error.retryAfterMs !== undefined) return error
  return new IdentityError(error.code, error.message, { ...error.fields }, { cause: error, retryAfterMs: COME_BACK_MS })
}

function denialOf(cause: IdentityError): IdentityError {
  const { status } = cause.fields
  if (status === 400) return new IdentityError('BODY_INVALID', 'zts cannot read the request', { status }, { cause })
  if (status === 404) return new IdentityError('DOMAIN_UNKNOWN', 'zts knows no such domain', { status }, { cause })
  return cause
}

export const notInTime = () =>
  new IdentityError('ISSUER_UNAVAILABLE', 'no token within the time of one request', {}, { retryAfterMs: COME_BACK_MS })
