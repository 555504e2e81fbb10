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
import { type AdmitDeps, createAdmission } from './admit.ts'
import type { AgentEvents } from './events.ts'
import { callerFields } from './fields.ts'
import type { Issue } from './issue.ts'
import type { Listeners } from './listeners.ts'
import type { Subject, Subjects } from './subjects.ts'
import type { Action } from './target.ts'

export interface RoutesDeps extends AdmitDeps {
  readonly listeners: Pick<Listeners, 'callerOf' | 'visitOf'>
  readonly subjects: Subjects
  readonly issue: Issue
  readonly events: AgentEvents
  /** Aborts when the agent no longer waits for answers. */
  readonly stopped: AbortSignal
}

export function agentRoutes(app: FastifyInstance, deps: RoutesDeps): void {
  const { listeners, subjects, issue, events, stopped } = deps
  const { admit, admitNewcomer } = createAdmission(deps)

  async function subjectOf(request: FastifyRequest): Promise<Subject> {
    // Again: while the body came, the caller may have gone.
    const { target, volume } = admit(request)
    const subject = await subjects.of(volume, target.action, stopped)
    request.log = request.log.child(events.podHeard(subject))
    return subject
  }

  /** The work of a request, which goes on counting as its caller's whether or not that still waits. */
  const working = <T>({ raw }: FastifyRequest, step: () => Promise<T>): Promise<T> =>
    listeners.visitOf(raw).during(() => answering(stopped, step))

  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))

  app.addHook('onRequest', async (request, reply) => {
    reply.header(REQUEST_ID, request.id)
    request.log = request.log.child(callerFields(listeners.callerOf(request.raw.socket)))
    request.log = request.log.child(events.fieldsOf(await admitNewcomer(request)))
    // Clients in Go send an empty type, others none or any: the body is JSON or it is refused.
    request.headers['content-type'] = 'application/json'
  })
  app.addHook('onError', async (request, _reply, error) => {
    const { id: requestId } = request
    events.refused(listeners.callerOf(request.raw.socket), { action: actionOf(request), error, requestId })
  })
  app.addHook('onResponse', async (request, reply) => {
    if (reply.statusCode === 200) events.answered(actionOf(request), listeners.callerOf(request.raw.socket))
  })

  app.get(`${AGENT_ROUTES.names}*`, { exposeHeadRoute: false }, async (request): Promise<NamesAnswer> => {
    return working(request, async () => (await subjectOf(request)).workload.names)
  })

  const credentials = (action: 'init' | 'refresh', parse: (body: Uint8Array | undefined) => KeyWish) =>
    app.post(`${AGENT_ROUTES[action]}*`, async (request): Promise<CredentialsAnswer> => {
      const wish = parse(Buffer.isBuffer(request.body) ? request.body : undefined)
      const { id: requestId } = request
      return working(request, async () => issue({ subject: await subjectOf(request), action, wish, requestId }, stopped))
    })
  credentials('init', parseInitRequest)
  credentials('refresh', parseRefreshRequest)
}

/** Of an answer: the log has what was done under the same id. */
const REQUEST_ID = 'x-request-id'
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
