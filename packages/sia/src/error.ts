/**
 * `SIA_OUTPUT_REFUSED`: something other than a directory of ours or of root holds its place. `SIA_READ_BACK`: not what was written.
 * `SIA_HOOK_FAILED`: nobody could be told of new credentials.
 */
export type SiaErrorCode = 'SIA_OUTPUT_REFUSED' | 'SIA_READ_BACK' | 'SIA_HOOK_FAILED'

/** The credentials could not be put where they belong, or nobody told. `fields` name the path, never a content. */
export class SiaError extends Error {
  override readonly name = 'SiaError'
  readonly code: SiaErrorCode
  readonly fields: Readonly<Record<string, unknown>>

  constructor(code: SiaErrorCode, message: string, fields: Record<string, unknown> = {}, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.fields = fields
  }
}
