/** The body of every refusal that our servers send: `{"code", "message", "retryAfter"?}`, `retryAfter` in seconds. */
import { IdentityError, isReasonCode, type ReasonCode } from '@pallas/identity'

export interface ErrorBody {
  readonly code: ReasonCode
  readonly message: string
  readonly retryAfter?: number
}

/** Reads a refusal by one of our servers; a body of another form is `fallback`. */
export function errorOf(status: number, body: string, fallback: ReasonCode): IdentityError {
  const { code, message, retryAfter } = parse(body)
  const known = typeof code === 'string' && isReasonCode(code) ? code : fallback
  const wait = typeof retryAfter === 'number' && retryAfter >= 0 ? { retryAfterMs: retryAfter * 1_000 } : {}
  return new IdentityError(known, typeof message === 'string' ? message : 'refused', { status }, wait)
}

function parse(body: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(body)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}
