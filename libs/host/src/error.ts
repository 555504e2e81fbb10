export type HostErrorCode =
  | 'HOST_EXISTS'
  | 'HOST_NOT_FOUND'
  | 'HOST_NOT_EMPTY'
  | 'HOST_NOT_MOUNTED'
  | 'HOST_BUSY'
  | 'HOST_DENIED'
  | 'HOST_TOO_LARGE'
  | 'HOST_WRONG_KIND'
  | 'HOST_BAD_KEY'
  | 'HOST_UNREACHABLE'
  | 'HOST_TIMEOUT'
  | 'HOST_TLS'
  | 'HOST_BAD_ANSWER'
  | 'HOST_IO'

/**
 * The machine said no. `fields` names the path or peer, never a content, and the kernel's `errno` (`ENOSPC`) where it
 * spoke; `cause` is what the home threw.
 */
export class HostError extends Error {
  override readonly name = 'HostError'
  readonly code: HostErrorCode
  readonly fields: Readonly<Record<string, unknown>>

  constructor(code: HostErrorCode, message: string, fields: Record<string, unknown> = {}, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.fields = fields
  }
}
