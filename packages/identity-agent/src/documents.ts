/** The JWT service's statement of a pod, asked for over mutual TLS. It leaves the agent towards ZTS only. */
import { IdentityError, kindOf, type Pod, type ReasonCode, type Workload } from '@pallas/identity'
import { errorOf, JWT_ROUTES, type JwtRequest } from '@pallas/wire'
import { type Dispatcher, request } from 'undici'

export interface Documents {
  /** Rejects with the JWT service's reason, `SIGNER_DENIED` or `SIGNER_UNAVAILABLE`. */
  sign(pod: Pod, workload: Workload, signal: AbortSignal): Promise<string>
}

export interface DocumentsOptions {
  /** Base URL including `/v1`, as the original's setting. */
  readonly endpoint: URL
  /** Presents the agent's certificate and trusts the services' roots. */
  readonly dispatcher: Dispatcher
  readonly timeoutMs: number
}

const ANSWER_LIMIT = 64 * 1_024
const COME_BACK_MS = 5_000
const VERSION = /\/v1\/?$/

export function createDocuments({ endpoint, dispatcher, timeoutMs }: DocumentsOptions): Documents {
  const url = new URL(endpoint.pathname.replace(VERSION, '') + JWT_ROUTES.jwt, endpoint)

  async function call(body: JwtRequest, signal: AbortSignal): Promise<{ status: number; text: string }> {
    const deadline = AbortSignal.timeout(timeoutMs)
    try {
      const answer = await request(url, {
        dispatcher,
        method: 'POST',
        headers: { 'content-type': 'application/json', accept: 'application/json' },
        body: JSON.stringify(body),
        signal: AbortSignal.any([signal, deadline]),
      })
      return { status: answer.statusCode, text: await readBounded(answer.body) }
    } catch (cause) {
      signal.throwIfAborted()
      throw unavailable('the jwt service does not answer', cause)
    }
  }

  return {
    async sign(pod, workload, signal) {
      const subject = {
        ID: `${pod.namespace}/${pod.name}`,
        Domain: workload.domain,
        Service: workload.service,
        IP: pod.ip,
        UID: pod.uid,
      }
      const { status, text } = await call({ subject }, signal)
      if (status === 200) return documentOf(text)
      throw refusalOf(status, text)
    },
  }
}

async function readBounded(body: Dispatcher.ResponseData['body']): Promise<string> {
  const parts: Uint8Array[] = []
  let length = 0
  for await (const part of body as AsyncIterable<Uint8Array>) {
    length += part.length
    if (length > ANSWER_LIMIT) throw new RangeError('answer too long')
    parts.push(part)
  }
  return Buffer.concat(parts).toString('utf8')
}

const COMPACT = /^[\w-]+\.[\w-]+\.[\w-]+$/

function documentOf(text: string): string {
  try {
    const answer: unknown = JSON.parse(text)
    if (typeof answer === 'object' && answer !== null && 'jwt' in answer && typeof answer.jwt === 'string') {
      if (COMPACT.test(answer.jwt)) return answer.jwt
    }
  } catch {
    // Falls through: the text may hold the document, so it is in no error.
  }
  throw unavailable('the jwt service answered with something else than a document')
}

/** Its reason goes on to the pod unchanged; a status without one of ours is told by its class. */
function refusalOf(status: number, text: string): IdentityError {
  const fallback: ReasonCode = status === 429 || status >= 500 ? 'SIGNER_UNAVAILABLE' : 'SIGNER_DENIED'
  const said = errorOf(status, text, fallback)
  const kind = kindOf(said.code)
  const passes = kind === 'denied' || kind === 'unavailable'
  const code = passes ? said.code : fallback
  const wait = kindOf(code) === 'unavailable' ? { retryAfterMs: said.retryAfterMs ?? COME_BACK_MS } : {}
  return new IdentityError(code, 'the jwt service gave no document', { status, said: said.code }, wait)
}

const unavailable = (message: string, cause?: unknown) =>
  new IdentityError('SIGNER_UNAVAILABLE', message, {}, { retryAfterMs: COME_BACK_MS, ...(cause === undefined ? {} : { cause }) })
