import type { Clock } from '@pallas/host'
import { createRequestIds, type Logger } from '@pallas/runtime'
import { createServer } from '@pallas/service'
import { makeRoom, PUBLIC_LIMITS } from './make-room.ts'
import type { SiaMetrics } from './metrics.ts'

export interface MetricsServerOptions {
  readonly metrics: SiaMetrics
  readonly clock: Pick<Clock, 'now'>
  readonly log: Logger
}

/** `GET /metrics`. */
export function createMetricsServer({ metrics, clock, log }: MetricsServerOptions) {
  const app = createServer({ log, clock, requestIds: createRequestIds(), bodyLimit: 1_024, limits: PUBLIC_LIMITS })
  makeRoom(app.server)
  app.get('/metrics', async (_request, reply) => reply.type(metrics.contentType).send(await metrics.read()))
  return app
}
