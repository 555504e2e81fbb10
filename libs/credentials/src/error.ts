/**
 * `OUTPUT_PATHS`: the settings name files that cannot stand together. `OUTPUT_OCCUPIED`: something else is in the way.
 */
export type CredentialsErrorCode = 'OUTPUT_PATHS' | 'OUTPUT_OCCUPIED'

/** Credentials cannot be laid out as asked. `fields` names the path. */
export class CredentialsError extends Error {
  override readonly name = 'CredentialsError'
  readonly code: CredentialsErrorCode
  readonly fields: Readonly<Record<string, unknown>>

  constructor(code: CredentialsErrorCode, message: string, fields: Record<string, unknown> = {}) {
    super(message)
    this.code = code
    this.fields = fields
  }
}
