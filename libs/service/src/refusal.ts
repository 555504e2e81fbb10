/** What a caller is told when something is not done, and with which status: one table for every server. */
import { IdentityError, kindOf, type ReasonCode, type ReasonKind } from '@pallas/identity'

const STATUS_OF_KIND: Readonly<Record<ReasonKind, number>> = {
  'bad-request': 400,
  denied: 403,
  conflict: 409,
  unavailable: 503,
  internal: 500,
}
const STATUS_OF_CODE: Partial<Record<ReasonCode, number>> = { ROUTE_UNKNOWN: 404, BODY_TOO_LARGE: 413, BUSY: 429 }

/** Another status than the table's; undefined keeps it. */
export type StatusOf = (code: ReasonCode) => number | undefined

export const statusOf = (code: ReasonCode): number => STATUS_OF_CODE[code] ?? STATUS_OF_KIND[kindOf(code)]

/** What any error thrown by a handler or by the HTTP library is to the caller. What we do not know is `INTERNAL`. */
export function refusalOf(error: unknown): IdentityError {
  if (error instanceof IdentityError) return error
  if (!(error instanceof Error)) return new IdentityError('INTERNAL', 'not an error', {}, { cause: error })
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') return new IdentityError('BODY_TOO_LARGE', 'the body is too long')
  if (code.startsWith('FST_ERR_CTP_')) {
    return new IdentityError('BODY_INVALID', 'the body is not what this route takes', {}, { cause: error })
  }
  if (code === 'ECONNRESET' && error.message === 'aborted') return new IdentityError('BODY_INVALID', 'the caller hung up', {}, { cause: error })
  return new IdentityError('INTERNAL', 'the handler failed', {}, { cause: error })
}

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: { readonly code: ReasonCode; readonly message: string; readonly retryAfter?: number }
}

/** Only the request id goes out with an internal failure: the log has the rest. */
export function answerTo(refusal: IdentityError, requestId: string, override: StatusOf = () => undefined): Answer {
  const { code, message, retryAfterMs, kind } = refusal
  const status = override(code) ?? statusOf(code)
  if (kind === 'internal') return { status, headers: {}, body: { code: 'INTERNAL', message: `request ${requestId} failed` } }
  if (retryAfterMs === undefined) return { status, headers: {}, body: { code, message } }
  const retryAfter = Math.max(1, Math.ceil(retryAfterMs / 1_000))
  return { status, headers: { 'retry-after': String(retryAfter) }, body: { code, message, retryAfter } }
}
