/** What an answer without an identity means: the one place where statuses and texts of ZTS become `ZtsErrorCode`. */
import { isReasonCode, type ReasonCode } from '@pallas/identity'
import { ZtsError, type ZtsErrorCode } from './error.ts'
import type { RawAnswer } from './exchange.ts'
import { jsonObject } from './json.ts'

const BUSY: ReadonlySet<number> = new Set([429, 503, 504])
/** ZTS has no other mark for it than these texts (spec `zts-recorded.md` 5). */
const REVOKED: ReadonlySet<string> = new Set(['Certificate revoked', 'Unable to find certificate record'])
const DETAIL_LENGTH = 300
/** Whoever asks for more is asked again all the same: certificates do not wait for days. */
const LONGEST_WAIT_MS = 3_600_000

/** `now` is the wall clock, epoch milliseconds: a Retry-After may be a date. */
export function refusalOf(answer: RawAnswer, now: number): ZtsError {
  const { status } = answer
  const text = messageOf(answer)
  const relayed = text === undefined ? {} : relayedBy(text)
  const retryAfterMs = retryAfterOf(answer.retryAfter, now) ?? relayed.retryAfterMs
  const code = codeOf(status, text)
  return new ZtsError(code, MESSAGES[code], {
    status,
    retryAfterMs: code === 'ZTS_BUSY' || code === 'ZTS_BAD_ANSWER' ? retryAfterMs : undefined,
    reason: relayed.reason,
    detail: text?.slice(0, DETAIL_LENGTH),
  })
}

const MESSAGES = {
  ZTS_BUSY: 'zts asks to come back later',
  ZTS_REVOKED: 'zts no longer knows this certificate',
  ZTS_REFUSED: 'zts refused',
  ZTS_BAD_ANSWER: 'zts gave an answer that decides nothing',
} as const satisfies Partial<Record<ZtsErrorCode, string>>

/** A refusal counts as one only in the form that ZTS gives it: a page of some proxy denies nothing. */
function codeOf(status: number, text: string | undefined): keyof typeof MESSAGES {
  if (BUSY.has(status)) return 'ZTS_BUSY'
  if (status < 400 || status > 499 || text === undefined) return 'ZTS_BAD_ANSWER'
  return status === 403 && REVOKED.has(text) ? 'ZTS_REVOKED' : 'ZTS_REFUSED'
}

/** Errors of ZTS are `{"code": <status>, "message": "<text>"}`. */
function messageOf({ status, body }: RawAnswer): string | undefined {
  const { code, message } = jsonObject(body) ?? {}
  return code === status && typeof message === 'string' ? message : undefined
}

/** Seconds or an HTTP date, never negative, never more than an hour; undefined for anything else. */
export function retryAfterOf(header: string | undefined, now: number): number | undefined {
  const text = header?.trim() ?? ''
  const waitMs = /^\d{1,9}$/.test(text) ? Number(text) * 1_000 : httpDateOf(text) - now
  return Number.isNaN(waitMs) ? undefined : bounded(waitMs)
}

/** Epoch milliseconds, or NaN. RFC 9110, 5.6.7: only the form that senders must use. */
export function httpDateOf(text: string): number {
  const parts = /^[A-Z][a-z]{2}, (\d\d) ([A-Z][a-z]{2}) (\d{4}) (\d\d):(\d\d):(\d\d) GMT$/.exec(text)
  const [, day = '', month = '', year = '', hour = '', minute = '', second = ''] = parts ?? []
  const iso = `${year}-${String(MONTHS.indexOf(month) + 1).padStart(2, '0')}-${day}T${hour}:${minute}:${second}Z`
  try {
    return Temporal.Instant.from(iso).epochMilliseconds
  } catch {
    return Number.NaN
  }
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

interface Relayed {
  readonly reason?: ReasonCode
  readonly retryAfterMs?: number
}

/** ZTS quotes the callback's body in its own text: `… ResourceException (403): {"code":"…"} client: …`. */
function relayedBy(text: string): Relayed {
  const [, quoted = ''] = /ResourceException \(\d{3}\): (\{.*?\}) client: /.exec(text) ?? []
  const { code, retryAfter } = jsonObject(quoted) ?? {}
  return {
    ...(typeof code === 'string' && isReasonCode(code) ? { reason: code } : {}),
    ...(typeof retryAfter === 'number' && retryAfter >= 0 ? { retryAfterMs: bounded(retryAfter * 1_000) } : {}),
  }
}

const bounded = (waitMs: number): number => Math.min(Math.max(0, waitMs), LONGEST_WAIT_MS)
