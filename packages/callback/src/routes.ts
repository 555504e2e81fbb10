import { kindOf } from '@pallas/identity'
import { type InFlight, refusalOf, type StatusOf } from '@pallas/service'
import { formatConfirmationAnswer, parseInstanceConfirmation, PROVIDER_ROUTES } from '@pallas/zts'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { type Asked, confirm, type ConfirmDeps } from './confirm.ts'
import type { CallbackEvents, ConfirmationFacts } from './events.ts'

export interface ConfirmationRoutesDeps extends ConfirmDeps {
  readonly inFlight: InFlight
  readonly events: Pick<CallbackEvents, 'confirmed' | 'refused' | 'tokenReviewed'>
}

/** What ZTS calls (`/instance`, `/refresh`), the original's `/identity`, and `/healthz` for who has a certificate. */
export function confirmationRoutes(app: FastifyInstance, deps: ConfirmationRoutesDeps): void {
  const { inFlight, events } = deps

  async function answer({ id, body }: FastifyRequest, refresh: boolean): Promise<string> {
    const facts: ConfirmationFacts = { requestId: id }
    const note: Asked['note'] = (more) => void Object.assign(facts, more)
    try {
      const request = parseInstanceConfirmation(body)
      await inFlight(() => confirm({ request, refresh, note }, deps))
      events.confirmed(facts)
      return formatConfirmationAnswer(request)
    } catch (error) {
      const refusal = refusalOf(error)
      events.refused(refusal, facts)
      throw refusal
    }
  }

  for (const url of [PROVIDER_ROUTES.register, PROVIDER_ROUTES.identity, PROVIDER_ROUTES.refresh]) {
    const refresh = url === PROVIDER_ROUTES.refresh
    app.post(url, async (request, reply) => {
      const body = await answer(request, refresh)
      return reply.type('application/json').serializer(String).send(body)
    })
  }

  app.route({
    method: ['GET', 'HEAD'],
    url: '/healthz',
    handler: async (_request, reply) => reply.type('text/plain;charset=utf8').send('ok\n'),
  })
}

/** The one status that ZTS passes on as "not now"; also for what never became a request, which denies nothing. */
export const NOT_NOW = 504

/**
 * Of all statuses ZTS passes only 504 on as "not now" and makes a denial of every other (`zts-recorded.md` 3): so 504
 * is for all that is no denial, and a body that is too long is one, as any document that cannot be ours.
 */
export const statusForZts: StatusOf = (code) => {
  if (code === 'BODY_TOO_LARGE') return 403
  const kind = kindOf(code)
  return kind === 'unavailable' || kind === 'internal' ? NOT_NOW : undefined
}

/**
 * ZTS waits thirty seconds. Within them it must have our answer; and a request of which a part is missing is given up
 * only after them, since ZTS would take the 408 of a server that is tired of waiting for a denial.
 */
export const LIMITS = { handlerTimeoutMs: 28_000, headersTimeoutMs: 35_000, requestTimeoutMs: 35_000 } as const
