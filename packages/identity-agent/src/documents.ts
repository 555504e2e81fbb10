/** The JWT service's statement of a pod, asked for over mutual TLS. It leaves the agent towards ZTS only. */
import type { Pod, Workload } from '@pallas/identity'
import { unlessAborted } from '@pallas/kubernetes'
import { createJwtClient, type JwtExchange } from '@pallas/wire'
import type { Dispatcher } from 'undici'

export interface Documents {
  /** Rejects with the JWT service's reason, `SIGNER_DENIED` or `SIGNER_UNAVAILABLE`. */
  sign(pod: Pod, workload: Workload, signal: AbortSignal): Promise<SignedDocument>
}

export interface SignedDocument {
  /** Compact JWT. */
  readonly text: string
  /** As the document says it, for the log alone: nobody here has verified it. */
  readonly jti: string | undefined
}

export interface DocumentsOptions {
  /** Base URL including `/v1`, as the original's setting. */
  readonly endpoint: URL
  /** Presents the agent's certificate and trusts the services' roots. */
  readonly dispatcher: Dispatcher
  readonly timeoutMs: number
}

export function createDocuments(options: DocumentsOptions): Documents {
  const client = createJwtClient({ exchange: exchangeWith(options) })
  return {
    async sign({ namespace, name, ip, uid }, { domain, service }, signal) {
      const text = await client.sign({ namespace, name, domain, service, ip, uid }, signal)
      return { text, jti: jtiOf(text) }
    },
  }
}

const JTI = /^[\w.-]{1,64}$/

/** Undefined for anything that does not look like one: what stands in the log is not for others to choose. */
export function jtiOf(document: string): string | undefined {
  try {
    const payload: unknown = JSON.parse(Buffer.from(document.split('.')[1] ?? '', 'base64url').toString('utf8'))
    const jti = typeof payload === 'object' && payload !== null && 'jti' in payload ? payload.jti : undefined
    return typeof jti === 'string' && JTI.test(jti) ? jti : undefined
  } catch {
    return undefined
  }
}

const ANSWER_LIMIT = 64 * 1_024
/** The client's paths begin with the version that the endpoint ends in. */
const VERSION = /\/v1\/?$/

function exchangeWith({ endpoint, dispatcher, timeoutMs }: DocumentsOptions): JwtExchange {
  const prefix = endpoint.pathname.replace(VERSION, '').replace(/\/$/, '')
  return async ({ path, ...message }, signal) => {
    const deadline = AbortSignal.timeout(timeoutMs)
    const both = signal === undefined ? deadline : AbortSignal.any([signal, deadline])
    const send = async () => {
      const answer = await dispatcher.request({ origin: endpoint.origin, path: prefix + path, ...message, signal: both })
      const retryAfter = answer.headers['retry-after']
      return {
        status: answer.statusCode,
        headers: { 'retry-after': typeof retryAfter === 'string' ? retryAfter : undefined },
        body: await readBounded(answer.body),
      }
    }
    // While a request waits for a connection, undici does not look at the signal.
    return await unlessAborted(send(), both)
  }
}

async function readBounded(body: AsyncIterable<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = []
  let length = 0
  for await (const part of body) {
    length += part.length
    if (length > ANSWER_LIMIT) throw new RangeError('answer too long')
    parts.push(part)
  }
  return Buffer.concat(parts).toString('utf8')
}
