/** Calls by hand: bytes over a workload's socket, and TLS with any certificate. */
import { type IncomingMessage, request as httpRequest } from 'node:http'
import { request as httpsRequest, type RequestOptions } from 'node:https'

export interface Answer {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>>
  readonly text: string
}

/** One request over a unix socket; path and body are sent as they are. */
export function overSocket(socketPath: string, method: string, path: string, body?: string | object): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>()
  const asked = httpRequest({ socketPath, method, path: '/', agent: false, timeout: TIMEOUT_MS }, (it) => void answerOf(it).then(resolve, reject))
  // What node:http would refuse to send is what an attacker sends.
  asked.path = path
  asked.on('timeout', () => asked.destroy(new Error('no answer in time')))
  asked.on('error', reject)
  asked.end(typeof body === 'object' ? JSON.stringify(body) : body)
  return promise
}

export interface TlsCaller {
  /** PEM of whom it trusts. */
  readonly ca: string
  readonly pair?: { readonly keyPem: string; readonly certPem: string }
  /** Absent: whatever name the server's certificate has, as a ZTS takes a callback's. */
  readonly serverName?: string
}

/** Posts JSON; rejects when TLS does not come about. */
export function overTls(url: string, { ca, pair, serverName }: TlsCaller, body: object): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>()
  const options: RequestOptions = {
    method: 'POST',
    ca,
    agent: false,
    timeout: TIMEOUT_MS,
    headers: { 'content-type': 'application/json' },
    ...(pair === undefined ? {} : { key: pair.keyPem, cert: pair.certPem }),
    ...(serverName === undefined ? { checkServerIdentity: () => undefined } : { servername: serverName }),
  }
  const asked = httpsRequest(url, options, (it) => void answerOf(it).then(resolve, reject))
  asked.on('timeout', () => asked.destroy(new Error('no answer in time')))
  asked.on('error', reject)
  asked.end(JSON.stringify(body))
  return promise
}

const TIMEOUT_MS = 10_000

async function answerOf(response: IncomingMessage): Promise<Answer> {
  let text = ''
  for await (const part of response.setEncoding('utf8')) text += String(part)
  return answerFrom(response.statusCode ?? 0, text)
}

/** What a caller elsewhere was answered. */
export const answerFrom = (status: number, text: string): Answer => ({ status, text, body: objectOf(text) })

function objectOf(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>
  } catch {
    return {}
  }
}
