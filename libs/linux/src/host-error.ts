import { HostError, type HostErrorCode } from '@pallas/host'

/** What an errno means, by its name. */
export type ErrnoCodes = Readonly<Record<string, HostErrorCode>>

/** What the kernel's answer to a call on a file or a mount means at the door. */
const BY_ERRNO: ErrnoCodes = {
  EEXIST: 'HOST_EXISTS',
  ENOENT: 'HOST_NOT_FOUND',
  ENOTEMPTY: 'HOST_NOT_EMPTY',
  EBUSY: 'HOST_BUSY',
  EACCES: 'HOST_DENIED',
  EPERM: 'HOST_DENIED',
  EROFS: 'HOST_DENIED',
  ENOTDIR: 'HOST_WRONG_KIND',
  EISDIR: 'HOST_WRONG_KIND',
  ELOOP: 'HOST_WRONG_KIND',
  ENXIO: 'HOST_WRONG_KIND',
}

/** `ENOENT` and its like, of an error that Node threw. */
export function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}

/** Turns what a file call threw into our error, once; `HostError` passes through. */
export function fileError(path: string, error: unknown, other: ErrnoCodes = {}): HostError {
  if (error instanceof HostError) return error
  const errno = errnoOf(error)
  const code = errno === undefined ? 'HOST_IO' : (other[errno] ?? BY_ERRNO[errno] ?? 'HOST_IO')
  return new HostError(code, 'the file system refused', { path, errno }, error)
}

/** The same for a system call that answered with a number. */
export function callError(
  call: string,
  errno: string,
  fields: Record<string, unknown>,
  other: ErrnoCodes = {},
): HostError {
  return new HostError(other[errno] ?? BY_ERRNO[errno] ?? 'HOST_IO', 'the kernel refused', { ...fields, call, errno })
}
