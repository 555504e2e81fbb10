import type { ReasonCode } from '@pallas/identity'

/**
 * What to do next. `ZTS_REVOKED`: this certificate's lineage has ended, only a new register helps. `ZTS_REFUSED`: final
 * for this request. `ZTS_BAD_ANSWER`: whatever spoke, it did not speak as ZTS does, so nothing was decided.
 */
export type ZtsErrorCode = 'ZTS_UNREACHABLE' | 'ZTS_BUSY' | 'ZTS_REFUSED' | 'ZTS_REVOKED' | 'ZTS_BAD_ANSWER'

const FINAL: ReadonlySet<ZtsErrorCode> = new Set(['ZTS_REFUSED', 'ZTS_REVOKED'])

export interface ZtsErrorFacts {
  /** HTTP status, when there was an answer. */
  readonly status?: number | undefined
  /** How long ZTS, or our callback through it, asks to wait. */
  readonly retryAfterMs?: number | undefined
  /** Why our callback said no, when ZTS passed its answer on. */
  readonly reason?: ReasonCode | undefined
  /** What ZTS wrote, shortened: for the log, not for programs. */
  readonly detail?: string | undefined
  readonly cause?: unknown
}

/** ZTS gave no identity. `code` says what to do next, `status` what ZTS said, `cause` what broke. */
export class ZtsError extends Error {
  override readonly name = 'ZtsError'
  readonly code: ZtsErrorCode
  readonly status: number | undefined
  readonly retryAfterMs: number | undefined
  readonly reason: ReasonCode | undefined
  readonly detail: string | undefined

  constructor(code: ZtsErrorCode, message: string, facts: ZtsErrorFacts = {}) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause })
    this.code = code
    this.status = facts.status
    this.retryAfterMs = facts.retryAfterMs
    this.reason = facts.reason
    this.detail = facts.detail
  }

  /** False when asking the same again can only be refused again. */
  get retryable(): boolean {
    return !FINAL.has(this.code)
  }
}
