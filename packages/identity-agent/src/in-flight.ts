/**
 * One ZTS call per instance at a time (spec/zts-recorded.md 5: of concurrent answers only one stays current).
 *
 * Callers with the same public key share one answer; others queue in order. What is shared goes on when a caller leaves.
 */
import { IdentityError } from '@pallas/identity'

export interface InFlight {
  /** Rejects with `BUSY` when too many wait for this instance, or with whatever `task` rejects with. */
  run<T>(instance: string, share: string, task: () => Promise<T>): Promise<T>
  /** How many tasks run or wait, over all instances. */
  readonly size: number
}

export interface InFlightOptions {
  /** Running and waiting tasks of one instance. */
  readonly perInstance: number
  /** Tasks that run at once, over all instances; the rest wait, instance by instance in turn. */
  readonly running: number
}

interface Lane {
  readonly shared: Map<string, Promise<unknown>>
  readonly waiting: (() => Promise<void>)[]
}

const COME_BACK_MS = 2_000

export function createInFlight({ perInstance, running: limit }: InFlightOptions): InFlight {
  const lanes = new Map<string, Lane>()
  /** Instances with something to run and nothing running, oldest first. */
  const ready: string[] = []
  let running = 0
  let size = 0

  function next(): void {
    while (running < limit) {
      const instance = ready.shift()
      if (instance === undefined) return
      const lane = lanes.get(instance)
      const start = lane?.waiting.shift()
      if (lane === undefined || start === undefined) continue
      running += 1
      void start().then(() => {
        running -= 1
        size -= 1
        if (lane.waiting.length > 0) ready.push(instance)
        else lanes.delete(instance)
        next()
      })
    }
  }

  return {
    get size() {
      return size
    },
    run<T>(instance: string, share: string, task: () => Promise<T>): Promise<T> {
      const known = lanes.get(instance)
      const lane: Lane = known ?? { shared: new Map(), waiting: [] }
      const same = lane.shared.get(share)
      // The share names the key and what is asked for it, so the answer is of the same type.
      if (same !== undefined) return same as Promise<T>
      if (lane.shared.size >= perInstance) return Promise.reject(busy())
      const { promise, resolve, reject } = Promise.withResolvers<T>()
      lane.shared.set(share, promise)
      size += 1
      lane.waiting.push(async () => {
        try {
          resolve(await task())
        } catch (error) {
          reject(error)
        }
        lane.shared.delete(share)
      })
      if (known === undefined) {
        lanes.set(instance, lane)
        ready.push(instance)
      }
      next()
      return promise
    },
  }
}

const busy = () =>
  new IdentityError('BUSY', 'too many requests for this instance', {}, { retryAfterMs: COME_BACK_MS })
