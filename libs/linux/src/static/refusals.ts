import { HostError, type HostErrorCode } from '@pallas/host'
import type { Refusal } from './native.ts'

export const errorOf = ({ code, message, fields }: Refusal): HostError => new HostError(code as HostErrorCode, message, fields)

const isRefusal = (thrown: unknown): thrown is Refusal =>
  typeof thrown === 'object' && thrown !== null && !(thrown instanceof Error) && 'code' in thrown

/** Makes a native call; what it refuses becomes our error, once. */
export function asked<T>(call: () => T): T {
  try {
    return call()
  } catch (thrown) {
    throw isRefusal(thrown) ? errorOf(thrown) : thrown
  }
}
