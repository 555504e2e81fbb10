/** HTTPS to one server with pinned roots: bounded bodies, a deadline on each exchange, no redirects, no proxies. */
import { type Dispatcher, Pool } from 'undici'
import { unlessAborted } from './abort.ts'
import { KubernetesError } from './error.ts'

export interface HttpsOptions {
  readonly server: URL
  /** PEM roots: these and no others. Undefined: any certificate is taken, which the caller must have a reason for. */
  readonly ca: string | undefined
  /** Name that the certificate must have, when it is not the URL's host. */
  readonly serverName?: string
}

export interface HttpsRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Absolute path and query, encoded. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  /** For the whole exchange, connecting included; `KUBE_TIMEOUT` after it. */
  readonly timeoutMs: number
  /** For the head of the answer alone, once connected, where the body may take long. */
  readonly headTimeoutMs?: number
}

export interface HttpsAnswer {
  readonly status: number
  /** When the server says it answered: the header. */
  readonly date: string | undefined
  readonly retryAfter: string | undefined
  readonly body: string
}

export interface HttpsStream {
  readonly status: number
  readonly date: string | undefined
  readonly retryAfter: string | undefined
  readonly chunks: AsyncIterable<Uint8Array>
}

export interface Https extends AsyncDisposable {
  /** Any status, with a body of at most `maxBytes`: `KUBE_BAD_ANSWER` when it is longer. */
  send(request: HttpsRequest, maxBytes: number, signal?: AbortSignal): Promise<HttpsAnswer>
  /** The head of an answer, and its body as it comes. Whoever stops reading closes it. */
  open(request: HttpsRequest, signal?: AbortSignal): Promise<HttpsStream>
}

const CONNECT_TIMEOUT_MS = 10_000
/** More calls than this at a time wait for a connection, within their deadlines. */
const CONNECTION_LIMIT = 64

export function createHttps({ server, ca, serverName }: HttpsOptions): Https {
  const pool = new Pool(server.origin, {
    allowH2: false,
    connections: CONNECTION_LIMIT,
    connect: {
      timeout: CONNECT_TIMEOUT_MS,
      ...(ca === undefined ? { rejectUnauthorized: false } : { ca }),
      ...(serverName === undefined ? {} : { servername: serverName }),
    },
  })
  const prefix = server.pathname.replace(/\/$/, '')

  async function open(request: HttpsRequest, signal?: AbortSignal) {
    const { method, path, headers, body, timeoutMs, headTimeoutMs = 0 } = request
    const limits = new Limits(timeoutMs, signal)
    const answer = await limits.run(() =>
      pool.request({
        method,
        path: prefix + path,
        headers,
        body: body ?? null,
        signal: limits.signal,
        headersTimeout: headTimeoutMs,
        bodyTimeout: 0,
      }),
    )
    // Leaving a body unread makes undici emit an error that nobody else listens to.
    answer.body.on('error', () => undefined)
    return { status: answer.statusCode, date: headerOf(answer, 'date'), retryAfter: headerOf(answer, 'retry-after'), chunks: limits.watch(answer.body) }
  }

  async function send(request: HttpsRequest, maxBytes: number, signal?: AbortSignal): Promise<HttpsAnswer> {
    const { chunks, ...head } = await open(request, signal)
    return { ...head, body: await readAll(chunks, maxBytes) }
  }

  return { open, send, [Symbol.asyncDispose]: () => pool.destroy() }
}

/** The deadline and the caller's signal as one, and what an error under them means. */
class Limits {
  readonly signal: AbortSignal
  readonly #deadline: AbortSignal
  readonly #caller: AbortSignal | undefined

  constructor(timeoutMs: number, caller: AbortSignal | undefined) {
    this.#deadline = AbortSignal.timeout(timeoutMs)
    this.#caller = caller
    this.signal = caller === undefined ? this.#deadline : AbortSignal.any([caller, this.#deadline])
  }

  async run<T>(step: () => Promise<T>): Promise<T> {
    try {
      // undici does not hear an abort while it connects.
      return await unlessAborted(step(), this.signal)
    } catch (error) {
      throw this.#meaning(error)
    }
  }

  async *watch(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      yield* body
    } catch (error) {
      throw this.#meaning(error)
    }
  }

  #meaning(cause: unknown): unknown {
    if (this.#caller?.aborted === true) return this.#caller.reason
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
    if (this.#deadline.aborted || code === 'UND_ERR_HEADERS_TIMEOUT')
      return new KubernetesError('KUBE_TIMEOUT', 'the server did not answer in time', { cause })
    return new KubernetesError('KUBE_UNREACHABLE', 'the server cannot be reached', { cause, fields: { cause: code } })
  }
}

async function readAll(chunks: AsyncIterable<Uint8Array>, maxBytes: number): Promise<string> {
  const parts: Uint8Array[] = []
  let length = 0
  for await (const chunk of chunks) {
    length += chunk.length
    if (length > maxBytes)
      throw new KubernetesError('KUBE_BAD_ANSWER', 'the answer is too long', { fields: { maxBytes } })
    parts.push(chunk)
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(parts))
  } catch (cause) {
    throw new KubernetesError('KUBE_BAD_ANSWER', 'the answer is not utf-8', { cause })
  }
}

function headerOf({ headers }: Dispatcher.ResponseData, name: string): string | undefined {
  const value = headers[name]
  return typeof value === 'string' ? value : undefined
}
