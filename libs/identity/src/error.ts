import { kindOf, type ReasonCode, type ReasonKind } from './reason.ts'

/** No identity, and why. `code` is the stable reason, `fields` the facts (never a secret), `cause` what broke. */
export class IdentityError extends Error {
  override readonly name = 'IdentityError'
  readonly code: ReasonCode
  readonly fields: Readonly<Record<string, unknown>>
  /** How long to wait before asking again, when the refuser said so. */
  readonly retryAfterMs: number | undefined

  constructor(
    code: ReasonCode,
    message: string,
    fields: Record<string, unknown> = {},
    rest: { cause?: unknown; retryAfterMs?: number } = {},
  ) {
    super(message, 'cause' in rest ? { cause: rest.cause } : undefined)
    this.code = code
    this.fields = fields
    this.retryAfterMs = rest.retryAfterMs
  }

  get kind(): ReasonKind {
    return kindOf(this.code)
  }
}
