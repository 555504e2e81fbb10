/** Whether a pod may be called healthy: every credential that is wanted on disk is there and has not expired. */
import { access } from 'node:fs/promises'
import type { Clock } from '@pallas/host'
import { createRequestIds, type Logger } from '@pallas/runtime'
import { createServer } from '@pallas/service'
import type { Member } from '../companions.ts'
import { makeRoom, PUBLIC_LIMITS } from './make-room.ts'

export interface HealthOptions {
  readonly endpoint: string
  readonly members: () => readonly Member[]
  /** Says in words why another part is not ready; undefined when it is. */
  readonly problem: () => string | undefined
  readonly clock: Pick<Clock, 'now'>
  readonly log: Logger
}

type Unhealthy = Pick<Member, 'kind' | 'name'> & {
  readonly state: 'missing' | 'expired'
  readonly reason?: Member['problem']
}

/** `GET <endpoint>`: 200 `OK`, or 503 with what is amiss; kinds and names, never a content. */
export function createHealthServer({ endpoint, members, problem, clock, log }: HealthOptions) {
  const app = createServer({ log, clock, requestIds: createRequestIds(), bodyLimit: 1_024, limits: PUBLIC_LIMITS })
  makeRoom(app.server)
  app.get(endpoint, async (_request, reply) => {
    const amiss = await unhealthy(members(), clock.now())
    const said = problem()
    if (amiss.length === 0 && said === undefined) return reply.type('text/plain; charset=utf-8').send('OK')
    const message = 'not every credential that is wanted is in place'
    const more = said === undefined ? {} : { problem: said }
    return reply.code(503).send({ code: 'NOT_READY', message, members: amiss, ...more })
  })
  return app
}

/** Those that are in memory alone do not count. */
export async function unhealthy(
  members: readonly Member[],
  now: number,
  isInPlace: (path: string) => Promise<boolean> = isThere,
): Promise<readonly Unhealthy[]> {
  const wanted = members.filter(({ paths }) => paths.length > 0)
  const judged = await Promise.all(
    wanted.map(async ({ kind, name, life, paths, problem }) => {
      const isOnDisk = life !== undefined && (await Promise.all(paths.map(isInPlace))).every(Boolean)
      if (isOnDisk && life.notAfter > now) return []
      const state = isOnDisk ? ('expired' as const) : ('missing' as const)
      return [{ kind, name, state, ...(problem === undefined ? {} : { reason: problem }) }]
    }),
  )
  return judged.flat()
}

const isThere = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  )
