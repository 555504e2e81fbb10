export type ImagesErrorCode =
  | 'IMAGES_BAD_ENTRY'
  | 'IMAGES_BAD_PROGRAM'
  | 'IMAGES_CHECKSUM'
  | 'IMAGES_FILE_CHANGED'
  | 'IMAGES_FILE_MISSING'
  | 'IMAGES_LIBRARY_MISSING'
  | 'IMAGES_NO_PACKAGE'
  | 'IMAGES_TOOL_FAILED'

/** An image cannot be made. `fields` says of what, `cause` what broke. */
export class ImagesError extends Error {
  override readonly name = 'ImagesError'
  readonly code: ImagesErrorCode
  readonly fields: Readonly<Record<string, unknown>>

  constructor(code: ImagesErrorCode, message: string, fields: Record<string, unknown> = {}, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.fields = fields
  }
}
