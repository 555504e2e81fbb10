export type ServiceErrorCode =
  | 'SERVICE_TLS_FILES'
  | 'SERVICE_NO_ROOTS'
  | 'SERVICE_LISTEN'
  | 'SERVICE_SOCKET_PATH'
  | 'SERVICE_SOCKET_BUSY'

/** The service cannot listen, or not safely. `fields` names files and paths, never their content. */
export class ServiceError extends Error {
  override readonly name = 'ServiceError'
  readonly code: ServiceErrorCode
  readonly fields: Readonly<Record<string, unknown>>

  constructor(code: ServiceErrorCode, message: string, fields: Record<string, unknown> = {}, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.fields = fields
  }
}
