/** From one HTTP request to its answer, or to a connection cut on purpose; every call is told of when it is over. */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { Clock, Logger } from '@pallas/runtime'
import { type Answer, answerOf, jsonAnswer, pageAnswer, PageRefusal } from './answer.ts'
import type { CallFacts, Caller, ZtsCall } from './calls.ts'
import type { FaultState } from './faults.ts'
import { clientCertificateOf } from './https-server.ts'
import type { ZtsParts } from './parts.ts'
import { principalOf } from './principal.ts'
import { findRoute } from './routes.ts'
import { send } from './send.ts'

export const BASE_PATH = '/zts/v1'
const MAX_BODY_BYTES = 1024 * 1024

export interface ListenerDeps {
  readonly parts: ZtsParts
  readonly clock: Clock
  readonly faults: () => Readonly<FaultState>
  readonly told: (call: ZtsCall) => void
  readonly log: Pick<Logger, 'error'> | undefined
}

/** What became of a call when there is to be no answer. */
const CUT = 'cut'

export const createListener =
  (deps: ListenerDeps): RequestListener =>
  (request, response) => {
    void serve(deps, request, response)
  }

async function serve(deps: ListenerDeps, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { clock, told, parts } = deps
  const facts: CallFacts = { operation: 'unknown', clientPort: request.socket.remotePort }
  const at = clock.now()
  const start = clock.monotonic()
  const gone = new AbortController()
  response.once('close', () => gone.abort())
  const outcome = await outcomeOf(deps, request, facts, gone.signal)
  const restMs = (deps.faults().atLeastMs ?? 0) - (clock.monotonic() - start)
  if (restMs > 0) await clock.sleep(restMs, gone.signal).catch(() => undefined)
  told({ ...facts, at, durationMs: clock.monotonic() - start, ...toldOf(outcome) })
  if (outcome === CUT) request.socket.destroy()
  else await send(outcome, { request, response }, { clock, faults: deps.faults(), now: parts.now(), gone: gone.signal })
}

async function outcomeOf(
  deps: ListenerDeps,
  request: IncomingMessage,
  facts: CallFacts,
  gone: AbortSignal,
): Promise<Answer | typeof CUT> {
  try {
    const { slowMs } = deps.faults()
    if (slowMs !== undefined) await deps.clock.sleep(slowMs, gone)
    const { away, busy, html } = deps.faults()
    if (away === true) return CUT
    if (busy !== undefined) return busyAnswer(busy)
    if (html === true) return pageAnswer(200)
    const answer = await answerTo(deps.parts, request, facts)
    return deps.faults().resetAfterIssue === true && hasIssued(facts) ? CUT : answer
  } catch (error) {
    if (gone.aborted) return CUT
    const answer = answerOf(error)
    if (answer.status === 500) deps.log?.error({ err: error }, 'the embedded zts broke')
    return answer
  }
}

const hasIssued = ({ serial, expirySeconds }: CallFacts) => serial !== undefined || expirySeconds !== undefined

async function answerTo(parts: ZtsParts, request: IncomingMessage, facts: CallFacts): Promise<Answer> {
  const origin = `https://${request.headers.host ?? 'localhost'}`
  const url = new URL(request.url ?? '/', origin)
  if (!url.pathname.startsWith(`${BASE_PATH}/`)) throw new PageRefusal(404)
  const found = findRoute(request.method ?? '', url.pathname.slice(BASE_PATH.length))
  if (found.route === undefined) throw new PageRefusal(found.status)
  facts.operation = found.route.operation
  if (request.method === 'POST' && mediaTypeOf(request) !== found.route.takes) throw new PageRefusal(415)

  const token = request.headers['athenz-principal-auth']
  const principal = await principalOf(
    { certificate: clientCertificateOf(request), token: typeof token === 'string' ? token : undefined },
    parts.tokens.check,
  )
  if (principal !== undefined) facts.principal = principal.name
  const body = await bodyOf(request)
  return found.route.flow(parts, {
    params: found.params,
    query: url.searchParams,
    body,
    principal,
    caller: callerOf(request),
    origin,
    facts,
  })
}

const mediaTypeOf = ({ headers }: IncomingMessage) =>
  headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase()

/** A proxy on the same host may say whom it speaks for: the last one it names counts. */
function callerOf(request: IncomingMessage): Caller {
  const remote = (request.socket.remoteAddress ?? '').replace(/^::ffff:/, '')
  const [forwarded] = [request.headers['x-forwarded-for'] ?? []].flat()
  const last = forwarded?.split(',').at(-1)?.trim() ?? ''
  return {
    clientIp: remote === '127.0.0.1' && last !== '' ? last : remote,
    userAgent: request.headers['user-agent'],
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length <= MAX_BODY_BYTES) chunks.push(chunk)
  }
  // Read to its end all the same: the connection must live for the answer.
  if (length > MAX_BODY_BYTES) throw new PageRefusal(413)
  return Buffer.concat(chunks).toString('utf8')
}

function busyAnswer({ status, retryAfter }: NonNullable<FaultState['busy']>): Answer {
  const headers = retryAfter === undefined ? [] : ([['Retry-After', retryAfter]] as const)
  return jsonAnswer(status, { code: status, message: 'come back later' }, headers)
}

function toldOf(outcome: Answer | typeof CUT): Pick<ZtsCall, 'status' | 'message'> {
  if (outcome === CUT) return { status: undefined }
  const { status, body, contentType } = outcome
  if (status < 400 || contentType !== 'application/json') return { status }
  const { message } = JSON.parse(body) as { message: string }
  return { status, message }
}
