import type { Address } from '@pallas/config'
import { type Clock, createRequestIds, type Logger, type Metrics } from '@pallas/runtime'
import { type Served, serve } from './serve.ts'
import { createServer } from './server.ts'

/** Says in words why this part is not ready; undefined when it is. Must not wait. */
export type Check = () => string | undefined

export interface AdminOptions {
  readonly listen: Address
  readonly checks: Readonly<Record<string, Check>>
  readonly metrics: Metrics
  readonly log: Logger
  readonly clock: Clock
}

/** `GET /healthz` (the loop turns), `/readyz` (every check passes, or 503 with those that do not) and `/metrics`, in plain HTTP. */
export async function startAdmin({ listen, checks, metrics, log, clock }: AdminOptions): Promise<Served> {
  const app = createServer({ log, clock, requestIds: createRequestIds(), bodyLimit: 1_024 })
  app.get('/healthz', async () => ({ status: 'ok' }))
  app.get('/readyz', async (_request, reply) => {
    const failing = Object.entries(checks).flatMap(([name, check]) => {
      const problem = check()
      return problem === undefined ? [] : [[name, problem] as const]
    })
    if (failing.length === 0) return { status: 'ok' }
    return reply.code(503).send({ code: 'NOT_READY', message: 'not ready', checks: Object.fromEntries(failing) })
  })
  app.get('/metrics', async (_request, reply) => {
    return reply.type(metrics.registry.contentType).send(await metrics.registry.metrics())
  })
  return serve(app, { listen, graceMs: 0, clock })
}
