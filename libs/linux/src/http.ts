/** HTTP exchanges by `node:http`: one connection each, closed afterwards. */
import { HostError, type Http, type HttpPeer, type HttpRequest, type HttpResponse } from '@pallas/host'
import type { ClientRequest, IncomingMessage, RequestOptions } from 'node:http'
import { errnoOf } from './host-error.ts'
import { type Progress, tlsConnector } from './tls-connection.ts'

export const nodeHttp = (): Http => ({ exchange })

async function exchange(request: HttpRequest, signal?: AbortSignal): Promise<HttpResponse> {
  signal?.throwIfAborted()
  const { promise, resolve, reject } = Promise.withResolvers<HttpResponse>()
  const peer = nameOf(request.to)
  const progress: Progress = { heard: false, answered: false, shakingHands: false, isCut: false }
  const sent = send(request, progress)
  const onTimeout = () => reject(new HostError('HOST_TIMEOUT', 'no answer in time', { peer }))
  const timer = setTimeout(onTimeout, request.timeoutMs)
  const onAbort = () => reject(signal?.reason)
  signal?.addEventListener('abort', onAbort, { once: true })
  sent.on('socket', (socket) => socket.on('data', () => (progress.heard = true)))
  sent.on('error', (error) => reject(exchangeError(error, peer, progress)))
  sent.on('upgrade', () => reject(badAnswer(peer)))
  sent.on('response', (response) => {
    progress.answered = true
    collect(response, request, progress).then(resolve, (error: unknown) => reject(exchangeError(error, peer, progress)))
  })
  sent.end(request.body)
  try {
    return await promise
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', onAbort)
    sent.destroy()
  }
}

function send(request: HttpRequest, progress: Progress): ClientRequest {
  const { to, method, path, body } = request
  const length = body === undefined ? {} : { 'content-length': `${Buffer.byteLength(body)}` }
  const headers = { ...request.headers, ...length, connection: 'close' }
  // Without `agent: false` a process-wide agent could reuse connections or follow a proxy from the environment.
  const common: RequestOptions = { agent: false, method, path, headers }
  const { request: make } = builtin('node:http')
  if (to.kind === 'tls') {
    const createConnection = tlsConnector(to, progress)
    // One that makes its connection itself has no agent.
    return made(to, () => make({ method, path, headers, host: to.host, port: to.port, defaultPort: 443, createConnection }))
  }
  // Node would take none for this machine.
  if ((to.kind === 'tcp' ? to.host : to.socketPath) === '') throw new HostError('HOST_UNREACHABLE', 'the peer has no name', { peer: nameOf(to) })
  if (to.kind === 'tcp') return made(to, () => make({ ...common, host: to.host, port: to.port }))
  return made(to, () => make({ ...common, socketPath: to.socketPath, host: 'localhost' }))
}

/**
 * Loaded at the first exchange, and not by `import`: that reads every export of a built-in module, and some of `node:http`
 * load a second HTTP client when they are read. In a process that does nothing else this was half of its time and a quarter
 * of its memory.
 */
const builtin = <const Name extends 'node:http'>(name: Name) => process.getBuiltinModule(name)

/** Node checks path and headers when it makes a request; none of them may show in the error. */
function made(to: HttpPeer, make: () => ClientRequest): ClientRequest {
  try {
    return make()
  } catch (error) {
    throw new HostError('HOST_IO', 'the request cannot be sent as it is', { peer: nameOf(to), errno: errnoOf(error) })
  }
}

async function collect(response: IncomingMessage, { to, maxBytes }: HttpRequest, progress: Progress): Promise<HttpResponse> {
  const headers = headersOf(response)
  const status = response.statusCode ?? 0
  const parts: Buffer[] = []
  let length = 0
  const hasBody = status !== 204 && status !== 304
  const coding = headers.get('transfer-encoding')
  // Nobody asked for another protocol, nor for another coding.
  if (status === 101 || (hasBody && coding !== undefined && coding.trim().toLowerCase() !== 'chunked')) throw badAnswer(nameOf(to))
  for await (const part of response as AsyncIterable<Buffer>) {
    length += part.length
    if (length > maxBytes) throw new HostError('HOST_TOO_LARGE', 'the answer is longer than allowed', { maxBytes })
    parts.push(part)
  }
  const endsWithConnection = hasBody && coding === undefined && !headers.has('content-length')
  if (endsWithConnection && progress.isCut) throw badAnswer(nameOf(to))
  return { status, headers: Object.fromEntries(headers), body: new TextDecoder().decode(Buffer.concat(parts)) }
}

/** From the list: among names of its own Node would look for some that every object has. */
function headersOf({ rawHeaders }: IncomingMessage): Map<string, string> {
  const headers = new Map<string, string>()
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const [name, value] = [(rawHeaders[index] ?? '').toLowerCase(), rawHeaders[index + 1] ?? '']
    const before = headers.get(name)
    headers.set(name, before === undefined ? value : `${before}, ${value}`)
  }
  return headers
}

const UNREACHABLE = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ENOENT',
  'ENOTSOCK',
  'EACCES',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'ETIMEDOUT',
  'EADDRNOTAVAIL',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EINVAL',
  'ENAMETOOLONG',
])

function exchangeError(error: unknown, peer: string, { heard, answered, shakingHands }: Progress): HostError {
  if (error instanceof HostError) return error
  const errno = errnoOf(error) ?? ''
  const fields = { peer, errno }
  if (answered || (heard && isHangUp(error)) || errno.startsWith('HPE_')) return badAnswer(peer, error)
  if (UNREACHABLE.has(errno)) return new HostError('HOST_UNREACHABLE', 'nobody answers', fields, error)
  // After the handshake only TLS itself says that a peer is not trusted after all.
  if (shakingHands || errno === 'EPROTO' || errno.startsWith('ERR_SSL_')) return new HostError('HOST_TLS', 'the peers do not trust each other', fields, error)
  return new HostError('HOST_IO', 'the exchange failed', fields, error)
}

/** Node's word for a connection that ended, where no call on it failed. */
const isHangUp = (error: unknown): boolean => errnoOf(error) === 'ECONNRESET' && error instanceof Error && !('syscall' in error)

const badAnswer = (peer: string, cause?: unknown): HostError =>
  new HostError('HOST_BAD_ANSWER', 'not a whole answer', { peer, errno: errnoOf(cause) ?? '' }, cause)

const nameOf = (to: HttpPeer): string => (to.kind === 'unix' ? to.socketPath : `${to.host}:${to.port}`)
