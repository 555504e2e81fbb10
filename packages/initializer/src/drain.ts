import type { Clock } from '@pallas/runtime'
import type { FastifyInstance } from 'fastify'

/**
 * Before the end everything is answered as ever, but each connection once: API servers keep theirs, and a call on one that is
 * just being closed would fail the making of a pod.
 */
export function createDrain({ clock, drainMs }: { readonly clock: Pick<Clock, 'sleep'>; readonly drainMs: number }) {
  let isEnding = false
  return {
    follow: (app: FastifyInstance): void =>
      void app.addHook('onRequest', (_request, reply, done) => {
        if (isEnding) reply.header('connection', 'close')
        done()
      }),
    /** For readiness. */
    problem: (): string | undefined => (isEnding ? 'asked to stop' : undefined),
    end: async (): Promise<void> => {
      isEnding = true
      await clock.sleep(drainMs)
    },
  }
}
