import type { Clock } from '@pallas/host'
import { randomBytes } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'

/** Node takes a longer time for none. */
const LONGEST = 2 ** 31 - 1

/** The machine's own clocks. */
export const nodeClock = (): Clock => ({
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: async (ms, signal) => {
    signal?.throwIfAborted()
    try {
      for (let left = Math.max(ms, 0); ; left -= LONGEST) {
        await pause(Math.min(left, LONGEST), undefined, signal === undefined ? {} : { signal })
        if (left <= LONGEST) return
      }
    } catch (error) {
      throw signal?.aborted === true ? signal.reason : error
    }
  },
  random: () => randomBytes(6).readUIntBE(0, 6) / 2 ** 48,
})
