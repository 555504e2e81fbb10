import { IdentityError } from '@pallas/identity'
import { type InFlight, peerOf, refusalOf } from '@pallas/service'
import { JWT_ROUTES, type JwtAnswer } from '@pallas/wire'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { JwtServiceEvents, SigningFacts } from './events.ts'
import { issueDocument, type IssueDocumentDeps } from './issue-document.ts'

export interface DocumentRoutesDeps extends IssueDocumentDeps {
  readonly inFlight: InFlight
  readonly events: Pick<JwtServiceEvents, 'documentSigned' | 'documentRefused'>
}

/** `POST /v1/jwt`, and the original's `GET /healthz` for who has a certificate; probes use the admin listener. */
export function documentRoutes(app: FastifyInstance, deps: DocumentRoutesDeps): void {
  const { inFlight, events } = deps

  async function sign(request: FastifyRequest): Promise<JwtAnswer> {
    const facts: SigningFacts = { requestId: request.id }
    const note = (more: SigningFacts) => void Object.assign(facts, more)
    try {
      const peer = peerOf(request)
      if (peer === undefined) throw new IdentityError('CALLER_NOT_ALLOWED', 'no client certificate')
      note({ serial: peer.serial, address: request.ip })
      const jwt = await inFlight(() => issueDocument({ peer, body: request.body, note }, deps))
      events.documentSigned(facts)
      return { jwt }
    } catch (error) {
      const refusal = refusalOf(error)
      events.documentRefused(refusal, facts)
      throw refusal
    }
  }

  app.route({ method: 'POST', url: JWT_ROUTES.jwt, handler: sign })

  app.route({
    method: ['GET', 'HEAD'],
    url: '/healthz',
    handler: async (_request, reply) => reply.type('text/plain;charset=utf8').send('ok\n'),
  })
}
