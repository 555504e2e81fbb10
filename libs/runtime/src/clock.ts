import type { Clock } from '@pallas/host'

/** Longest delay of one timer; Node fires at once when asked for more. */
const TIMER_LIMIT_MS = 2 ** 31 - 1

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  // oxlint-disable-next-line no-restricted-properties -- the one home of chance
  random: () => Math.random(),
  async sleep(ms, signal) {
    for (let left = ms; ; left -= TIMER_LIMIT_MS) {
      await timer(Math.min(left, TIMER_LIMIT_MS), signal)
      if (left <= TIMER_LIMIT_MS) return
    }
  },
}

function timer(ms: number, signal: AbortSignal | undefined): Promise<void> {
  if (signal?.aborted) return Promise.reject(signal.reason)
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const abort = () => {
    clearTimeout(handle)
    reject(signal?.reason)
  }
  const handle = setTimeout(() => {
    signal?.removeEventListener('abort', abort)
    resolve()
  }, ms)
  signal?.addEventListener('abort', abort, { once: true })
  return promise
}
