/**
 * Bodies are counted before they are read: any pod may call, and what is in memory at a time must be bounded. Large ones have a
 * lane of their own, so that they do not keep a common review from its answer; who finds no place in time is told to come again,
 * which an API server does.
 */
import { IdentityError } from '@pallas/identity'
import type { Clock } from '@pallas/runtime'
import type { FastifyInstance, FastifyRequest } from 'fastify'

export interface LaneBounds {
  /** Bodies that are read or decided on at a time. */
  readonly most: number
  /** How many more wait for a place; of them nothing has been read. */
  readonly waiting: number
  /** How long: well within the five seconds that the API server waits. */
  readonly waitMs: number
}

/** Most pods are some ten kilobytes as a review. */
export const SMALL_BODY_BYTES = 128 * 1024

/** What all of these take together stands in the memory limit of `deploy/base/initializer.yaml`. */
export const LANES = {
  small: { most: 64, waiting: 256, waitMs: 2_000 },
  large: { most: 4, waiting: 32, waitMs: 2_000 },
} satisfies Readonly<Record<string, LaneBounds>>

/** For the routes of this app. A place is held until the answer is out, or the caller gone. */
export function countBodies(app: FastifyInstance, { clock }: { readonly clock: Pick<Clock, 'sleep'> }): void {
  const [small, large] = [createLane(LANES.small, clock), createLane(LANES.large, clock)]
  app.addHook('onRequest', async (request, { raw }) => {
    const leave = await (isSmall(request) ? small : large)()
    if (raw.destroyed) leave()
    else raw.once('close', leave)
  })
}

/** Whoever does not say how long it is may be as long as any. */
const isSmall = ({ headers }: FastifyRequest): boolean => Number(headers['content-length'] ?? Infinity) <= SMALL_BODY_BYTES

/** Resolves to what gives the place back; `BUSY` when there is none in time. First come, first served. */
export function createLane({ most, waiting, waitMs }: LaneBounds, clock: Pick<Clock, 'sleep'>): () => Promise<() => void> {
  const queue: ((isFree: boolean) => void)[] = []
  let free = most

  const leave = (): void => {
    const next = queue.shift()
    if (next === undefined) free++
    else next(true)
  }

  return async () => {
    if (free > 0) free--
    else if (queue.length >= waiting || !(await turn())) throw new IdentityError('BUSY', 'too many reviews at a time', {}, { retryAfterMs: 1_000 })
    return leave
  }

  async function turn(): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>()
    const served = new AbortController()
    queue.push(resolve)
    const late = clock.sleep(waitMs, served.signal).then(
      () => (queue.includes(resolve) ? queue.splice(queue.indexOf(resolve), 1) : []).forEach((it) => it(false)),
      () => undefined,
    )
    const isFree = await promise
    served.abort()
    await late
    return isFree
  }
}
