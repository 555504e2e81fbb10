/** One question to a provider's callback, in the bytes of a real ZTS: a new connection, one POST, chunked. */
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { connectToProvider, type ProviderTls } from './provider-connection.ts'

export interface ProviderQuestion {
  /** Base URL that is registered for the provider. */
  readonly endpoint: URL
  readonly path: '/instance' | '/refresh'
  readonly provider: string
  readonly body: string
}

export type ProviderReply =
  | { readonly kind: 'answer'; readonly status: number; readonly contentType: string; readonly body: string }
  /** `problem` is what a Java program would say of it. */
  | { readonly kind: 'failure'; readonly problem: string }

export type AskProvider = (question: ProviderQuestion) => Promise<ProviderReply>

const MAX_REPLY_BYTES = 1024 * 1024
const TIMED_OUT = 'java.net.SocketTimeoutException: Read timed out'

export const createProviderCaller =
  (options: ProviderTls & { readonly timeoutMs: number }): AskProvider =>
  async (question) => {
    const deadline = AbortSignal.timeout(options.timeoutMs)
    try {
      return await ask(question, options, deadline)
    } catch (error) {
      return { kind: 'failure', problem: deadline.aborted ? TIMED_OUT : said(error) }
    }
  }

async function ask({ endpoint, path, provider, body }: ProviderQuestion, tls: ProviderTls, signal: AbortSignal) {
  const host = endpoint.hostname.replace(/^\[|\]$/g, '')
  const port = Number(endpoint.port || 443)
  const socket = await connectToProvider({ host, port, provider }, tls, signal)
  try {
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
    const request = httpRequest({
      createConnection: () => socket,
      method: 'POST',
      path: `${endpoint.pathname.replace(/\/$/, '')}${path}`,
      headers: headersFor(endpoint),
      signal,
    })
    request.once('response', resolve)
    request.once('error', reject)
    request.write(body)
    request.end()
    const reply = await promise
    const contentType = reply.headers['content-type'] ?? ''
    return { kind: 'answer', status: reply.statusCode ?? 0, contentType, body: await textOf(reply) } as const
  } finally {
    socket.destroy()
  }
}

const headersFor = (endpoint: URL): string[] =>
  [
    ['Accept', 'application/json'],
    ['User-Agent', 'Jersey/3.1.12 (Apache HttpClient 4.5.13)'],
    ['Content-Type', 'application/json'],
    ['Transfer-Encoding', 'chunked'],
    ['Host', endpoint.host],
    ['Connection', 'Keep-Alive'],
    ['Accept-Encoding', 'gzip,deflate'],
  ].flat()

async function textOf(reply: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of reply as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > MAX_REPLY_BYTES) throw new Error('the reply is too long')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function said(error: unknown): string {
  const { code, message } = error instanceof Error ? (error as NodeJS.ErrnoException) : { code: undefined, message: '' }
  if (code === 'ECONNREFUSED') return 'org.apache.http.conn.HttpHostConnectException: Connection refused'
  if (code === 'ECONNRESET') return 'java.net.SocketException: Connection reset'
  return `javax.net.ssl.SSLHandshakeException: ${message}`
}
