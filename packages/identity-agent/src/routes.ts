/** The agent's API: names, init, refresh. Nothing of a body is read before the caller has been let through. */
import { IdentityError } from '@pallas/identity'
import {
  AGENT_ROUTES,
  type CredentialsAnswer,
  type KeyWish,
  type NamesAnswer,
  parseInitRequest,
  parseRefreshRequest,
} from '@pallas/wire'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { type AgentEvents, callerFields, podFields } from './events.ts'
import type { Gate } from './gate.ts'
import type { Issue } from './issue.ts'
import type { Listeners } from './listeners.ts'
import type { Subjects } from './subjects.ts'
import { type Action, parseTarget, type Target } from './target.ts'
import type { Volume } from './volume-trust.ts'

export interface RoutesDeps {
  readonly gate: Gate
  readonly listeners: Pick<Listeners, 'callerOf' | 'visitOf'>
  readonly subjects: Subjects
  readonly issue: Issue
  readonly events: AgentEvents
  /** Aborts when the agent no longer waits for answers. */
  readonly stopped: AbortSignal
}

export function agentRoutes(app: FastifyInstance, deps: RoutesDeps): void {
  const { gate, listeners, subjects, issue, events, stopped } = deps

  /** Throws unless the caller may use the volume that the request line names. */
  function admit(request: FastifyRequest): { target: Target; volume: Volume } {
    // From the bytes of the request line: what a router decoded is not looked at.
    const target = parseTarget(request.method, request.raw.url ?? '')
    return { target, volume: gate(listeners.callerOf(request.raw.socket), target) }
  }

  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))

  app.addHook('onRequest', async (request) => {
    request.log = request.log.child(callerFields(listeners.callerOf(request.raw.socket)))
    const { volume } = admit(request)
    request.log = request.log.child(podFields(volume))
    // Clients in Go send an empty type, others none or any: the body is JSON or it is refused.
    request.headers['content-type'] = 'application/json'
  })
  app.addHook('onError', async (request, _reply, error) => events.refused(actionOf(request), error))
  app.addHook('onResponse', async (request, reply) => {
    if (reply.statusCode === 200) events.answered(actionOf(request))
  })

  app.get(`${AGENT_ROUTES.names}*`, { exposeHeadRoute: false }, async (request): Promise<NamesAnswer> => {
    const { target, volume } = admit(request)
    const names = async () => (await subjects.of(volume, target.action, stopped)).workload.names
    return listeners.visitOf(request.raw).during(() => answering(stopped, names))
  })

  const credentials = (parse: (body: Uint8Array | undefined) => KeyWish) =>
    async (request: FastifyRequest): Promise<CredentialsAnswer> => {
      // Again: while the body came, the caller may have gone.
      const { target, volume } = admit(request)
      const wish = parse(Buffer.isBuffer(request.body) ? request.body : undefined)
      const issued = async () => issue(await subjects.of(volume, target.action, stopped), wish, stopped)
      return listeners.visitOf(request.raw).during(() => answering(stopped, issued))
    }
  app.post(`${AGENT_ROUTES.init}*`, credentials(parseInitRequest))
  app.post(`${AGENT_ROUTES.refresh}*`, credentials(parseRefreshRequest))
}

const COME_BACK_MS = 3_000

/** What cannot be had now says when to come back; what an abort broke is not the caller's fault, nor a defect. */
async function answering<T>(stopped: AbortSignal, step: () => Promise<T>): Promise<T> {
  try {
    return await step()
  } catch (cause) {
    const rest = { cause, retryAfterMs: COME_BACK_MS }
    if (!(cause instanceof IdentityError)) {
      throw stopped.aborted ? new IdentityError('NOT_READY', 'the agent is stopping', {}, rest) : cause
    }
    if (cause.kind !== 'unavailable' || cause.retryAfterMs !== undefined) throw cause
    throw new IdentityError(cause.code, cause.message, cause.fields, rest)
  }
}

const actionOf = ({ routeOptions: { url } }: FastifyRequest): Action | 'unknown' =>
  (['names', 'init', 'refresh'] as const).find((action) => url === `${AGENT_ROUTES[action]}*`) ?? 'unknown'
