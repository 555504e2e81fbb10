import type { Clock } from '@pallas/host'
import { native } from './native.ts'

const BITS = 2 ** 48

export const staticClock = (): Clock => ({
  now: () => native.now(),
  monotonic: () => native.monotonic(),
  sleep: (ms, signal) => sleep(ms, signal),
  random: () => native.keys.randomBytes(6).reduce((sum, byte) => sum * 256 + byte, 0) / BITS,
})

function sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  if (signal?.aborted === true) {
    reject(signal.reason)
    return promise
  }
  const onAbort = (): void => {
    native.cancelTimer(timer)
    reject(signal?.reason)
  }
  const timer = native.startTimer(ms, () => {
    signal?.removeEventListener('abort', onAbort)
    resolve()
  })
  signal?.addEventListener('abort', onAbort, { once: true })
  return promise
}
