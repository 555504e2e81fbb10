/** The token endpoint of a pod, on its loopback, with the requests and answers of k8s-athenz-sia. */
import type { Clock } from '@pallas/host'
import { IdentityError, type ReasonCode } from '@pallas/identity'
import { createRepeats, createRequestIds, type Logger } from '@pallas/runtime'
import { boundInFlight, createServer, type Limits, type TlsFiles } from '@pallas/service'
import type { Tokens } from '../companions.ts'
import type { TokenRoute } from './events.ts'
import { refuseWebPages } from './local-callers.ts'
import { answerHeaders } from './token-headers.ts'
import { notInTime, tokenRefusal, tokenStatusOf } from './token-refusal.ts'
import { parseAccessTokenRequest, parseRoleTokenRequest } from './token-request.ts'

export interface TokenServerOptions {
  readonly tokens: Tokens
  /** What `--token-type` allows; nothing else has a route. */
  readonly serves: ReadonlySet<'access-token' | 'role-token'>
  readonly restApi: boolean
  readonly headerMode: boolean
  readonly roleAuthHeader: string
  /** Asked of ZTS where a request names none; 0: ZTS decides. */
  readonly expirySeconds: number
  /** For one answer. */
  readonly timeoutMs: number
  /** The host in the setting that says where to listen. */
  readonly host: string
  readonly tls?: TlsFiles
  /** With TLS: whether callers have to show a certificate. */
  readonly callers?: 'verified' | 'anonymous'
  readonly clock: Clock
  readonly log: Logger
  readonly answered: (route: TokenRoute, code: ReasonCode | 'OK') => void
}

const BODY_LIMIT = 16 * 1_024
const MOST_IN_FLIGHT = 64
const LIMITS: Partial<Limits> = {
  headersTimeoutMs: 5_000,
  requestTimeoutMs: 10_000,
  maxHeaderBytes: 8 * 1_024,
  maxConnections: 256,
}
/** Our own deadline comes first: the server's would not say that it is worth coming back. */
const HANDLER_SLACK_MS = 5_000

/** A workload that asks in a loop for what it may not have fills no log. */
const REPEATED_MS = 60_000
/** As many as there are routes and codes, about. */
const MOST_REPEATS = 100

type App = ReturnType<typeof createServer>

/** It does not listen yet. */
export function createTokenServer(options: TokenServerOptions): App {
  const { restApi, headerMode, serves, host, answered } = options
  const repeats = createRepeats({ clock: options.clock, intervalMs: REPEATED_MS, most: MOST_REPEATS })
  const app = createServer({
    log: options.log,
    clock: options.clock,
    requestIds: createRequestIds(),
    bodyLimit: BODY_LIMIT,
    ...(options.tls === undefined ? {} : { tls: options.tls, callers: options.callers ?? 'verified' }),
    minVersion: 'TLSv1.2',
    limits: { ...LIMITS, handlerTimeoutMs: options.timeoutMs + HANDLER_SLACK_MS },
    statusOf: tokenStatusOf,
    tell: (refusal, { routeOptions }) => {
      const route = routeOf(routeOptions.url)
      answered(route, refusal.code)
      return repeats.tell(`${route} ${refusal.code}`)
    },
  })
  app.addHook('onRequest', async ({ raw }) => refuseWebPages(raw, host))
  if (restApi && serves.has('access-token')) addAccessTokens(app, options)
  if (restApi && serves.has('role-token')) addRoleTokens(app, options)
  if (headerMode) addHeaderMode(app, options)
  return app
}

function routeOf(url: string | undefined): TokenRoute {
  if (url === '/accesstoken') return 'accesstoken'
  if (url === '/roletoken') return 'roletoken'
  return url === '*' ? 'headers' : 'none'
}

function addAccessTokens(app: App, options: TokenServerOptions): void {
  const { tokens, clock, expirySeconds } = options
  const usual = expirySeconds === 0 ? {} : { expirySeconds }
  addRest(app, options, 'accesstoken', async (body, signal) => {
    const wish = { ...usual, ...parseAccessTokenRequest(body) }
    const { accessToken, expiresAt, scope } = await tokens.accessToken(wish, signal)
    const expiresIn = Math.max(0, Math.floor((expiresAt - clock.now()) / 1_000))
    return {
      access_token: accessToken,
      token_type: 'Bearer',
      expires_in: expiresIn,
      ...(scope === undefined ? {} : { scope }),
    }
  })
}

function addRoleTokens(app: App, options: TokenServerOptions): void {
  const { tokens, expirySeconds } = options
  const usual = expirySeconds === 0 ? {} : { minExpirySeconds: expirySeconds }
  addRest(app, options, 'roletoken', async (body, signal) => {
    const { token, expiresAt } = await tokens.roleToken({ ...usual, ...parseRoleTokenRequest(body) }, signal)
    return { token, expiryTime: Math.floor(expiresAt / 1_000) }
  })
}

interface Asking {
  readonly headers: { readonly 'content-type'?: string | undefined }
}

type Rest = (body: unknown, signal: AbortSignal) => Promise<object>

function addRest(app: App, options: TokenServerOptions, route: 'accesstoken' | 'roletoken', answer: Rest): void {
  const inFlight = boundInFlight(MOST_IN_FLIGHT)
  app.post(`/${route}`, { onRequest: refuseOtherTypes }, async (request, reply) => {
    try {
      const said = await inFlight(() => within(options, (signal) => answer(request.body, signal)))
      options.answered(route, 'OK')
      return reply.header('cache-control', 'no-store').send(said)
    } catch (error) {
      throw tokenRefusal(error)
    }
  })
  if (options.headerMode) return
  app.route({
    method: ['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'],
    url: `/${route}`,
    onRequest: async (_request, reply) => {
      reply.header('allow', 'POST')
      throw new IdentityError('METHOD_UNSUPPORTED', 'only post is served here')
    },
    handler: async () => {},
  })
}

/** A form that a web page may send without asking first is never JSON. */
async function refuseOtherTypes({ headers: { 'content-type': contentType = '' } }: Asking): Promise<void> {
  if (/^application\/json[\t ]*(;|$)/i.test(contentType)) return
  throw new IdentityError('BODY_TYPE_UNSUPPORTED', 'the content type must be application/json')
}

type Timing = Pick<TokenServerOptions, 'timeoutMs' | 'clock'>

async function within<T>({ timeoutMs, clock }: Timing, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const over = new AbortController()
  const late = clock.sleep(timeoutMs, over.signal).then(() => Promise.reject(notInTime()))
  late.catch(() => {})
  try {
    return await Promise.race([work(over.signal), late])
  } finally {
    over.abort()
  }
}

function addHeaderMode(app: App, options: TokenServerOptions): void {
  app.all('*', async ({ headers }, reply) => {
    try {
      const { headers: tokens, body } = answerHeaders(headers, options)
      options.answered('headers', 'OK')
      return reply.headers(tokens).header('cache-control', 'no-store').send(body)
    } catch (error) {
      if (!(error instanceof IdentityError)) throw error
      options.answered('headers', error.code)
      return reply.code(400).send({ error: error.message, code: error.code })
    }
  })
}
