export type StaticBuildErrorCode = 'STATIC_NO_CARGO' | 'STATIC_NOT_BUILT' | 'STATIC_NO_TARGET' | 'STATIC_CARGO_FAILED' | 'STATIC_UNKNOWN_ARCH'

/** No static file was made; the message is one sentence for the person who asked for it. */
export class StaticBuildError extends Error {
  override readonly name = 'StaticBuildError'
  readonly code: StaticBuildErrorCode

  constructor(code: StaticBuildErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
  }
}
