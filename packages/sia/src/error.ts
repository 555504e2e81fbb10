/** `SIA_OUTPUT_REFUSED`: something other than a directory holds its place. `SIA_READ_BACK`: not what was written. */
export type SiaErrorCode = 'SIA_OUTPUT_REFUSED' | 'SIA_READ_BACK'

/** The credentials could not be put where they belong. `fields` name the path, never a content. */
export class SiaError extends Error {
  override readonly name = 'SiaError'
  readonly code: SiaErrorCode
  readonly fields: Readonly<Record<string, unknown>>

  constructor(code: SiaErrorCode, message: string, fields: Record<string, unknown> = {}) {
    super(message)
    this.code = code
    this.fields = fields
  }
}
