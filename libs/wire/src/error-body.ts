/** The body of every refusal that our servers send: `{"code", "message", "retryAfter"?}`, `retryAfter` in seconds. */
import { IdentityError, isReasonCode, type ReasonCode } from '@pallas/identity'

export interface ErrorBody {
  readonly code: ReasonCode
  readonly message: string
  readonly retryAfter?: number
}

/** An HTTP answer that is not 200. Header names are in lower case. */
export interface RefusedAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: string
}

const MAX_MESSAGE = 200
const MAX_WAIT_SECONDS = 3_600

/** The refusal that one of our servers sent; a body of another form, as a stranger's, is `fallback`. */
export function refusalOf({ status, headers, body }: RefusedAnswer, fallback: ReasonCode): IdentityError {
  const { code, message, retryAfter } = parse(body)
  const known = typeof code === 'string' && isReasonCode(code) ? code : fallback
  const waits = [retryAfter, secondsOf(headers['retry-after'])]
  const seconds = waits.find((wait) => typeof wait === 'number' && wait >= 0)
  const rest = typeof seconds === 'number' ? { retryAfterMs: Math.min(seconds, MAX_WAIT_SECONDS) * 1_000 } : {}
  return new IdentityError(known, typeof message === 'string' ? shown(message) : 'refused', { status }, rest)
}

const secondsOf = (header: string | undefined): number | undefined =>
  header !== undefined && /^\d{1,9}$/.test(header) ? Number(header) : undefined

/** One short line, whoever sent it. */
const shown = (message: string) => message.replace(/[^\x20-\x7e]/g, ' ').slice(0, MAX_MESSAGE)

function parse(body: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(body)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}
