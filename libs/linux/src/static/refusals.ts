import { HostError, type HostErrorCode } from '@pallas/host'
import type { Refusal } from './native.ts'

export const errorOf = ({ code, message, fields }: Refusal): HostError => new HostError(code as HostErrorCode, message, fields)

const isRefusal = (thrown: unknown): thrown is Refusal =>
  typeof thrown === 'object' && thrown !== null && !(thrown instanceof Error) && 'code' in thrown

/** A path as the host takes it: text that can be bytes. */
export function bytewise(path: string): string {
  if (path.isWellFormed()) return path
  throw new HostError('HOST_IO', 'not an absolute path', { path: path.toWellFormed() })
}

/** Makes a native call; what it refuses becomes our error, once. */
export function asked<T>(call: () => T): T {
  try {
    return call()
  } catch (thrown) {
    throw isRefusal(thrown) ? errorOf(thrown) : thrown
  }
}
