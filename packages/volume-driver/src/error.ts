import { HostError } from '@pallas/host'

/** Why a call failed; the first word of the message that the kubelet shows. Stable. */
export type DriverErrorCode =
  | 'USAGE'
  | 'SETTINGS_INVALID'
  | 'MOUNT_DIR_INVALID'
  | 'OPTIONS_INVALID'
  | 'POD_UID_MISMATCH'
  | 'VOLUME_WRITABLE'
  | 'SOCKET_PATH_TOO_LONG'
  | 'VOLUMES_DIR_UNTRUSTED'
  | 'AGENT_DIR_UNTRUSTED'
  | 'HANDLE_KEY_UNTRUSTED'
  | 'VOLUME_BUSY'
  | 'VOLUME_TIMEOUT'
  | 'INTERRUPTED'

/**
 * The driver cannot do what it was asked. The message goes to an Event that people of the pod may read: no host
 * paths.
 */
export class DriverError extends Error {
  override readonly name = 'DriverError'
  readonly code: DriverErrorCode

  constructor(code: DriverErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
  }
}

/** `CODE: what happened`, with the kernel's word for it where it spoke; nothing of an error that nobody foresaw. */
export function describeError(error: unknown): string {
  if (error instanceof DriverError) return `${error.code}: ${error.message}${kernelWord(error.cause)}`
  if (error instanceof HostError) return `${error.code}: ${error.message}${kernelWord(error)}`
  return 'INTERNAL: the driver broke'
}

function kernelWord(error: unknown): string {
  if (!(error instanceof HostError)) return ''
  const { call, errno } = error.fields
  const words = [call, errno].filter((word) => typeof word === 'string')
  return words.length === 0 ? '' : ` (${words.join(' ')})`
}
