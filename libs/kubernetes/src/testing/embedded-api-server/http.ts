/** The HTTPS side: reads a call, answers it or streams a watch, and commits the faults asked for. */
import { createServer, type Server } from 'node:https'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { parseJson } from '../../json.ts'
import type { User } from './authn.ts'
import type { Answer, ApiContext } from './context.ts'
import { ApiFailure, badRequest, internal, tooLarge, unsupportedType } from './failure.ts'
import type { FaultState, OpenWatch } from './faults.ts'
import type { Lists } from './lists.ts'
import { openIdAnswer } from './open-id.ts'
import { type Call, dispatch } from './routes.ts'
import { runWatch, type WatchRequest } from './watch.ts'

/** One call that was answered, for logs and for counting in tests. */
export interface CallRecord {
  readonly method: string
  /** Path and query. */
  readonly path: string
  readonly username: string | undefined
  readonly userAgent: string
  readonly status: number
}

export interface HttpSideOptions {
  readonly serverCredentials: ServerCredentials
  readonly context: ApiContext
  readonly lists: Lists
  readonly faults: FaultState
  readonly bookmarkEveryMs: number
  readonly onCall: (call: CallRecord) => void
  readonly onBroken: (error: unknown) => void
}

export interface ServerCredentials {
  readonly keyPem: string
  /** Leaf first. */
  readonly certPem: string
  /** What clients must trust. */
  readonly caPem: string
}

const BODY_LIMIT_BYTES = 3 * 1024 * 1024
const BODY_TYPES = ['application/json', 'application/json-patch+json', 'application/merge-patch+json']

/** Not listening yet. `cut` breaks all connections. */
export function createHttpSide(options: HttpSideOptions): { readonly server: Server; readonly cut: () => void } {
  const { serverCredentials, faults } = options
  const sockets = new Set<Socket>()
  const server = createServer({ key: serverCredentials.keyPem, cert: serverCredentials.certPem })
  server.on('connection', (socket: Socket) => {
    if (faults.mode.kind === 'away') return socket.destroy()
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    return undefined
  })
  server.on('tlsClientError', () => undefined)
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    response.on('error', () => undefined)
    handle(options, request, response).catch((error: unknown) => {
      options.onBroken(error)
      response.destroy()
    })
  })
  const cut = () => {
    for (const socket of sockets) socket.destroy()
  }
  return { server, cut }
}

async function handle(options: HttpSideOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { context, lists, faults, onCall } = options
  const { mode } = faults
  if (mode.kind === 'hang') return
  if (mode.kind === 'slow') await context.clock.sleep(mode.ms)
  const { method = 'GET', url: path = '/', headers } = request
  const about = { method, path, userAgent: headers['user-agent'] ?? '' }
  let user: User | undefined
  const done = (status: number) => onCall({ ...about, username: user?.username, status })
  try {
    if (mode.kind === 'status') throw refusal(mode.code)
    const open = openAnswer(path)
    if (open !== undefined) return reply(response, open, done)
    user = await context.authn.authenticate(headers.authorization)
    const openId = openIdAnswer({ method, path, accept: headers.accept ?? '*/*', user }, context)
    if (openId !== undefined) return reply(response, openId, done)
    const outcome = await dispatch(context, lists, await readCall(request, method, path), user)
    if ('answer' in outcome) return reply(response, outcome.answer, done)
    await stream(options, outcome.watch, response, done)
  } catch (error) {
    const failure = error instanceof ApiFailure ? error : internal('something broke inside')
    if (failure !== error) options.onBroken(error)
    const { retryAfterSeconds } = mode.kind === 'status' ? mode : {}
    if (retryAfterSeconds !== undefined) response.setHeader('retry-after', String(retryAfterSeconds))
    reply(response, { status: failure.status.code, body: failure.status }, done)
  }
}

/** What anyone may ask without a token. */
function openAnswer(path: string): Answer | undefined {
  const [bare = ''] = path.split('?')
  switch (bare) {
    case '/healthz':
    case '/livez':
    case '/readyz':
      return { status: 200, body: { status: 'ok' } }
    case '/version':
      return { status: 200, body: { major: '1', minor: '37', gitVersion: 'v1.37.1' } }
    default:
      return undefined
  }
}

const refusal = (code: number): ApiFailure =>
  new ApiFailure(code, code === 503 ? 'ServiceUnavailable' : '', 'the server is currently unable to handle the request')

async function readCall(request: IncomingMessage, method: string, path: string): Promise<Call> {
  const url = new URL(path, 'https://embedded.invalid')
  const contentType = (request.headers['content-type'] ?? '').split(';')[0]?.trim() ?? ''
  const text = await readBody(request)
  if (text === '') return { method, url, contentType, body: undefined }
  if (!BODY_TYPES.includes(contentType)) throw unsupportedType(`accepted media types include: ${BODY_TYPES.join(', ')}`)
  const body = parseJson(text)
  if (body === undefined) throw badRequest('the body of the request is not json')
  return { method, url, contentType, body }
}

async function readBody(request: IncomingMessage): Promise<string> {
  const parts: Uint8Array[] = []
  let length = 0
  for await (const part of request as AsyncIterable<Uint8Array>) {
    length += part.length
    if (length > BODY_LIMIT_BYTES) throw tooLarge(BODY_LIMIT_BYTES)
    parts.push(part)
  }
  return Buffer.concat(parts).toString('utf8')
}

function reply(
  response: ServerResponse,
  { status, body, type = 'application/json', warnings = [] }: Answer,
  done: (status: number) => void,
): void {
  done(status)
  if (warnings.length > 0)
    response.setHeader(
      'warning',
      warnings.map((text) => `299 - ${JSON.stringify(text)}`),
    )
  const text = `${JSON.stringify(body)}\n`
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-cache, private' })
  response.end(text)
}

async function stream(
  options: HttpSideOptions,
  request: WatchRequest,
  response: ServerResponse,
  done: (status: number) => void,
) {
  const { context, faults, bookmarkEveryMs } = options
  const stop = new AbortController()
  response.on('close', () => stop.abort())
  const start = () => {
    if (response.headersSent) return
    done(200)
    response.writeHead(200, { 'content-type': 'application/json', 'transfer-encoding': 'chunked' })
    response.flushHeaders()
  }
  let stalled = false
  const write = (text: string) => {
    start()
    if (!stalled) response.write(text)
  }
  const stall = () => {
    stalled = true
  }
  const open: OpenWatch = { write, stall, cut: () => response.destroy() }
  faults.watches.add(open)
  try {
    const running = runWatch(
      request,
      { store: context.store, clock: context.clock, bookmarkEveryMs, write },
      stop.signal,
    )
    setImmediate(() => stop.signal.aborted || start())
    await running
    if (!stalled) response.end()
  } finally {
    faults.watches.delete(open)
  }
}
