/** HTTP exchanges by `node:http` and `node:https`: one connection each, closed afterwards. */
import { HostError, type Http, type HttpPeer, type HttpRequest, type HttpResponse, type TlsPeer } from '@pallas/host'
import type { ClientRequest, IncomingMessage, RequestOptions } from 'node:http'
import { isIP } from 'node:net'
import { errnoOf } from './host-error.ts'

export const nodeHttp = (): Http => ({ exchange })

/** How far an exchange came: what an error means depends on it. */
interface Progress {
  answered: boolean
}

async function exchange(request: HttpRequest, signal?: AbortSignal): Promise<HttpResponse> {
  signal?.throwIfAborted()
  const { promise, resolve, reject } = Promise.withResolvers<HttpResponse>()
  const peer = nameOf(request.to)
  const progress: Progress = { answered: false }
  const sent = send(request)
  const onTimeout = () => reject(new HostError('HOST_TIMEOUT', 'no answer in time', { peer }))
  const timer = setTimeout(onTimeout, request.timeoutMs)
  const onAbort = () => reject(signal?.reason)
  signal?.addEventListener('abort', onAbort, { once: true })
  sent.on('error', (error) => reject(exchangeError(error, peer, progress)))
  sent.on('response', (response) => {
    progress.answered = true
    collect(response, request.maxBytes).then(resolve, (error: unknown) => reject(exchangeError(error, peer, progress)))
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

function send(request: HttpRequest): ClientRequest {
  const { to, method, path, body } = request
  const length = body === undefined ? {} : { 'content-length': `${Buffer.byteLength(body)}` }
  const headers = { ...request.headers, ...length, connection: 'close' }
  // Without `agent: false` a process-wide agent could reuse connections or follow a proxy from the environment.
  const common: RequestOptions = { agent: false, method, path, headers }
  if (to.kind === 'tls') {
    const https = builtin('node:https')
    return made(to, () => https.request({ ...common, ...tlsOptions(to) }))
  }
  const http = builtin('node:http')
  if (to.kind === 'tcp') return made(to, () => http.request({ ...common, host: to.host, port: to.port }))
  return made(to, () => http.request({ ...common, socketPath: to.socketPath, host: 'localhost' }))
}

/**
 * Loaded at the first exchange, and not by `import`: that reads every export of a built-in module, and some of `node:http`
 * load a second HTTP client when they are read. In a process that does nothing else this was half of its time and a quarter
 * of its memory.
 */
const builtin = <const Name extends 'node:http' | 'node:https'>(name: Name) => process.getBuiltinModule(name)

/** Node checks path, headers and PEM when it makes a request; none of them may show in the error. */
function made(to: HttpPeer, make: () => ClientRequest): ClientRequest {
  try {
    return make()
  } catch (error) {
    if (error instanceof HostError) throw error
    const errno = errnoOf(error) ?? ''
    if (errno.startsWith('ERR_INVALID') || errno === 'ERR_UNESCAPED_CHARACTERS')
      throw new HostError('HOST_IO', 'the request cannot be sent as it is', { peer: nameOf(to), errno })
    throw new HostError('HOST_TLS', 'the key or a certificate cannot be used', { peer: nameOf(to), errno })
  }
}

function tlsOptions({ host, port, caPem, client }: TlsPeer) {
  // Node takes an empty list of roots as leave to trust its own.
  if (!caPem.includes('-----BEGIN CERTIFICATE-----'))
    throw new HostError('HOST_TLS', 'there is no root certificate', { peer: `${host}:${port}` })
  return {
    host,
    port,
    ca: caPem,
    // Stated, because NODE_TLS_REJECT_UNAUTHORIZED in the environment would undo the default.
    rejectUnauthorized: true,
    minVersion: 'TLSv1.2' as const,
    servername: isIP(host) === 0 ? host : '',
    ...(client === undefined ? {} : { key: client.keyPem, cert: client.certPem }),
  }
}

async function collect(response: IncomingMessage, maxBytes: number): Promise<HttpResponse> {
  const parts: Buffer[] = []
  let length = 0
  for await (const part of response as AsyncIterable<Buffer>) {
    length += part.length
    if (length > maxBytes) throw new HostError('HOST_TOO_LARGE', 'the answer is longer than allowed', { maxBytes })
    parts.push(part)
  }
  return {
    status: response.statusCode ?? 0,
    headers: headersOf(response),
    body: new TextDecoder().decode(Buffer.concat(parts)),
  }
}

const headersOf = ({ headersDistinct }: IncomingMessage): Record<string, string> =>
  Object.fromEntries(Object.entries(headersDistinct).map(([name, values]) => [name, (values ?? []).join(', ')]))

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

function exchangeError(error: unknown, peer: string, { answered }: Progress): HostError {
  if (error instanceof HostError) return error
  const errno = errnoOf(error) ?? ''
  const fields = { peer, errno }
  if (answered || errno.startsWith('HPE_')) return new HostError('HOST_BAD_ANSWER', 'not a whole answer', fields, error)
  if (UNREACHABLE.has(errno)) return new HostError('HOST_UNREACHABLE', 'nobody answers', fields, error)
  if (TLS.test(errno)) return new HostError('HOST_TLS', 'the peers do not trust each other', fields, error)
  return new HostError('HOST_IO', 'the exchange failed', fields, error)
}

/** OpenSSL's own failures, and its names for what is wrong with a certificate. */
const TLS = new RegExp(
  '^(EPROTO$|ERR_(SSL|TLS)_|CERT_|CRL_|UNABLE_TO_|ERROR_IN_CERT|DEPTH_ZERO_|SELF_SIGNED_|INVALID_(CA|PURPOSE)|' +
    'PATH_LENGTH_|HOSTNAME_|EE_)',
)

const nameOf = (to: HttpPeer): string => (to.kind === 'unix' ? to.socketPath : `${to.host}:${to.port}`)
