/** Time and chance of a whole fleet: it moves from one sleeper to the next, as fast as the code between two naps runs. */
import type { Clock } from '@pallas/host'

export interface VirtualClock extends Clock {
  /** Lets everybody live until so long after the beginning; resolves when whoever is awake then has gone to sleep. */
  run(untilMs: number): Promise<void>
  /** How many are asleep. */
  readonly sleeping: number
}

interface Sleeper {
  readonly until: number
  readonly wake: () => void
  isGone: boolean
}

const START = Date.parse('2030-01-01T00:00:00Z')

/** The same seed gives the same chance, and so the same story. */
export function createVirtualClock(seed: number): VirtualClock {
  const random = createRandom(seed)
  const queue = createQueue()
  let elapsed = 0
  let sleeping = 0

  return {
    now: () => START + elapsed,
    monotonic: () => elapsed,
    random,
    get sleeping() {
      return sleeping
    },
    sleep(ms, signal) {
      if (signal?.aborted) return Promise.reject(signal.reason as Error)
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      const abort = () => {
        sleeper.isGone = true
        sleeping -= 1
        reject(signal?.reason as Error)
      }
      const sleeper: Sleeper = {
        until: elapsed + Math.max(0, ms),
        isGone: false,
        wake() {
          sleeping -= 1
          signal?.removeEventListener('abort', abort)
          resolve()
        },
      }
      signal?.addEventListener('abort', abort, { once: true })
      sleeping += 1
      queue.add(sleeper)
      return promise
    },
    async run(untilMs) {
      await settled()
      for (let next = queue.take(untilMs); next !== undefined; next = queue.take(untilMs)) {
        if (next.isGone) continue
        elapsed = next.until
        next.wake()
        await settled()
      }
      elapsed = untilMs
    },
  }
}

/** Everything that waited for nothing but promises has run. */
const settled = () => new Promise((resolve) => setImmediate(resolve))

/** A heap: whoever wakes first is on top. */
function createQueue() {
  const heap: Sleeper[] = []
  const at = (index: number): Sleeper | undefined => heap[index]
  const swap = (i: number, j: number): void => {
    const [a, b] = [at(i), at(j)]
    if (a === undefined || b === undefined) return
    heap[i] = b
    heap[j] = a
  }
  const isSooner = (i: number, j: number): boolean => (at(i)?.until ?? Infinity) < (at(j)?.until ?? Infinity)

  return {
    add(sleeper: Sleeper): void {
      heap.push(sleeper)
      for (let i = heap.length - 1; i > 0; ) {
        const parent = (i - 1) >> 1
        if (!isSooner(i, parent)) break
        swap(i, parent)
        i = parent
      }
    },
    /** The next one, if it wakes by then. */
    take(until: number): Sleeper | undefined {
      const [first] = heap
      if (first === undefined || first.until > until) return undefined
      swap(0, heap.length - 1)
      heap.pop()
      for (let i = 0; ; ) {
        const [left, right] = [2 * i + 1, 2 * i + 2]
        const least = isSooner(right, left) ? right : left
        if (!isSooner(least, i)) break
        swap(i, least)
        i = least
      }
      return first
    },
  }
}

/** Uniform in [0, 1), by a generator of 32 bits (mulberry32). */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
