import type { Server as HttpsServer } from 'node:https'
import { IdentityError, type ReasonCode } from '@pallas/identity'
import type { Clock, LogFields, Logger, Metrics } from '@pallas/runtime'
import {
  fastify,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  LogController,
  type onRequestHookHandler,
  type preHandlerHookHandler,
} from 'fastify'
import { answerBadBytes } from './bad-bytes.ts'
import { tellFailedHandshakes } from './handshakes.ts'
import { takeOnlyJson } from './json-body.ts'
import { DEFAULT_LIMITS, httpOptionsOf, type Limits } from './limits.ts'
import { type Allow, peerFacts, peerOf } from './peer.ts'
import { answerTo, refusalOf, type StatusOf } from './refusal.ts'
import { refusalFields } from './refusal-fields.ts'
import { followTlsFiles, type MinVersion, secureServerOptions, type SecureOptions } from './secure-server.ts'
import type { TlsFiles } from './tls-files.ts'

export interface ServerOptions {
  readonly log: Logger
  readonly clock: Pick<Clock, 'now'>
  /** Makes the id of a request; what callers send as such is not believed. */
  readonly requestIds: () => string
  /** Bytes; longer bodies are 413 `BODY_TOO_LARGE`. */
  readonly bodyLimit: number
  /** With it the server speaks TLS, without it plain HTTP. */
  readonly tls?: TlsFiles
  /** `verified` (default): mutual TLS, the caller is checked on every request. */
  readonly callers?: 'verified' | 'anonymous'
  /** Which verified callers may use the service; default: all that chain to the roots. */
  readonly allow?: Allow
  readonly minVersion?: MinVersion
  readonly limits?: Partial<Limits>
  /** Another status than the common table's. */
  readonly statusOf?: StatusOf
  /** How many refusals a line in the log stands for; 0: this one is not written. By default each is. */
  readonly tell?: (refusal: IdentityError, request: FastifyRequest) => number
  /** Status for what never became a request; by default 400, 408 or 431. */
  readonly badBytesStatus?: number
  /** With it failed TLS handshakes are counted. */
  readonly metrics?: Pick<Metrics, 'counter'>
}

/** A server without routes. What handlers throw becomes `{code, message, retryAfter?}`; only `IdentityError` says why. */
export function createServer(options: ServerOptions): FastifyInstance {
  const limits = { ...DEFAULT_LIMITS, ...options.limits }
  const secure = secureOptionsOf(options, limits)
  const app = fastify({
    ...(secure === undefined ? { http: httpOptionsOf(limits) } : { https: secureServerOptions(secure) }),
    loggerInstance: options.log,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'requestId' satisfies keyof LogFields }),
    genReqId: () => options.requestIds(),
    requestIdHeader: false,
    bodyLimit: options.bodyLimit,
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    return503OnClosing: false,
    exposeHeadRoutes: false,
    clientErrorHandler: answerBadBytes(options),
    frameworkErrors: (_error, request, reply) => void refuse(routeUnknown(), request, reply, options),
    schemaController: { compilersFactory: { buildValidator: noSchemas, buildSerializer: noSchemas } },
  }) as unknown as FastifyInstance
  app.server.maxConnections = limits.maxConnections
  takeOnlyJson(app)
  app.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', request.id)
    done()
  })
  limitHandlers(app, limits)
  refuseWhileClosing(app)
  if (secure !== undefined) guard(app, secure, options)
  app.addHook('onResponse', logRequest)
  app.setErrorHandler((error, request, reply) => refuse(refusalOf(error), request, reply, options))
  app.setNotFoundHandler((request, reply) => refuse(routeUnknown(), request, reply, options))
  return app
}

/** Bodies are checked by their own parsers. Fastify's compilers of schemas, loaded even where there are none, take megabytes. */
const noSchemas = () => {
  throw new TypeError('routes have no schemas here')
}

function secureOptionsOf({ tls, minVersion = 'TLSv1.3', callers = 'verified' }: ServerOptions, limits: Limits): SecureOptions | undefined {
  return tls === undefined ? undefined : { tls, minVersion, callers, limits }
}

/**
 * Checks the caller on every request. A connection made before the last change of credentials ends with its next answer,
 * which is a refusal when the caller does not chain to the roots of now; asked again when the body is there.
 */
function guard(app: FastifyInstance, secure: SecureOptions, options: ServerOptions): void {
  const { allow, clock } = options
  const server = app.server as unknown as HttpsServer
  const following = followTlsFiles(server, secure, clock)
  tellFailedHandshakes(server, options)
  app.addHook('onClose', async () => following.stop())
  const endOutdated: onRequestHookHandler & preHandlerHookHandler = ({ raw: { socket } }, reply, done) => {
    if (!following.isOutdated(socket)) return done()
    reply.header('connection', 'close')
    following.isTrusted(socket).then((isTrusted) => (isTrusted ? done() : done(rootsChanged())), done)
  }
  app.addHook('onRequest', endOutdated)
  app.addHook('preHandler', endOutdated)
  app.addHook('onRequest', (request, reply, done) => {
    const reason = secure.callers === 'anonymous' ? undefined : callerProblem(request, allow, clock.now())
    if (reason === undefined) return done()
    reply.header('connection', 'close')
    throw new IdentityError(reason, 'the client certificate may not call this service', peerFacts(request))
  })
}

const rootsChanged = () => new IdentityError('NOT_READY', 'the roots that vouch for callers have changed', {}, { retryAfterMs: 1_000 })

function callerProblem(request: FastifyRequest, allow: Allow = () => undefined, now: number): ReasonCode | undefined {
  const peer = peerOf(request)
  return peer === undefined || peer.notAfter <= now ? 'CALLER_NOT_ALLOWED' : allow(peer)
}

/** Fastify's own `handlerTimeout` costs each request a signal, and an abort of it, that nobody here listens to. */
function limitHandlers(app: FastifyInstance, { handlerTimeoutMs }: Limits): void {
  app.addHook('onRequest', (_request, reply, done) => {
    const giveUp = (): void => {
      if (reply.sent) return
      if (reply.raw.headersSent) reply.raw.destroy()
      else reply.send(new IdentityError('BUSY', 'not answered in time'))
    }
    const timer = setTimeout(giveUp, handlerTimeoutMs)
    reply.raw.once('close', () => clearTimeout(timer))
    done()
  })
}

function refuseWhileClosing(app: FastifyInstance): void {
  let closing = false
  app.addHook('preClose', async () => void (closing = true))
  app.addHook('onRequest', (_request, reply, done) => {
    if (!closing) return done()
    reply.header('connection', 'close')
    throw new IdentityError('NOT_READY', 'the service is stopping', {}, { retryAfterMs: 1_000 })
  })
}

type RefuseOptions = Pick<ServerOptions, 'statusOf' | 'tell'>

function refuse(refusal: IdentityError, request: FastifyRequest, reply: FastifyReply, options: RefuseOptions): FastifyReply {
  const { status, headers, body } = answerTo(refusal, request.id, options.statusOf)
  const count = options.tell?.(refusal, request) ?? 1
  if (count > 0) logRefusal(refusal, request, { status, ...(count === 1 ? {} : { count }) })
  return reply.code(status).headers(headers).send(body)
}

function logRefusal(refusal: IdentityError, { log }: FastifyRequest, more: Pick<LogFields, 'status' | 'count'>): void {
  const fields = { ...refusalFields(refusal), ...more }
  if (refusal.kind === 'internal') log.error(fields, 'request failed')
  else if (refusal.kind === 'unavailable') log.warn(fields, 'request not served now')
  else log.info(fields, 'request refused')
}

const routeUnknown = () => new IdentityError('ROUTE_UNKNOWN', 'no such route')

function logRequest(request: FastifyRequest, reply: FastifyReply, done: () => void): void {
  const facts = {
    method: request.method,
    route: request.routeOptions.url ?? 'none',
    status: reply.statusCode,
    durationMs: Math.round(reply.elapsedTime),
  } satisfies LogFields
  request.log.debug(facts, 'request answered')
  done()
}
