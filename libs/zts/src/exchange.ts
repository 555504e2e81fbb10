/** One HTTP exchange with ZTS: whole before its deadline and no longer than its limit, or a `ZtsError`. */
import type { Dispatcher } from 'undici'
import { ZtsError } from './error.ts'

/** Certificates, chain and token of one instance take 10 KiB; nothing that we ask for is near this. */
const MAX_ANSWER_BYTES = 256 * 1024

export interface Exchange {
  readonly dispatcher: Dispatcher
  readonly origin: string
  readonly method: 'POST' | 'DELETE'
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  /** For the whole exchange, connecting included. */
  readonly timeoutMs: number
}

export interface RawAnswer {
  readonly status: number
  readonly contentType: string
  readonly retryAfter: string | undefined
  /** As the header says it. */
  readonly date?: string | undefined
  readonly body: string
}

/** Resolves with any status; rejects with `ZTS_UNREACHABLE`, `ZTS_BAD_ANSWER`, or the caller's own abort reason. */
export async function exchange(request: Exchange, signal?: AbortSignal): Promise<RawAnswer> {
  signal?.throwIfAborted()
  const deadline = AbortSignal.timeout(request.timeoutMs)
  const stop = signal === undefined ? deadline : AbortSignal.any([signal, deadline])
  try {
    // While it connects, undici does not look at the signal.
    return await Promise.race([send(request, stop), rejected(stop)])
  } catch (error) {
    signal?.throwIfAborted()
    if (error instanceof ZtsError) throw error
    const message = deadline.aborted ? 'zts did not answer in time' : 'zts could not be reached'
    throw new ZtsError('ZTS_UNREACHABLE', message, { cause: error })
  }
}

async function send({ dispatcher, origin, method, path, headers, body }: Exchange, signal: AbortSignal) {
  const answer = await dispatcher.request({ origin, method, path, headers, body: body ?? null, signal })
  return {
    status: answer.statusCode,
    contentType: single(answer.headers['content-type']) ?? '',
    retryAfter: single(answer.headers['retry-after']),
    date: single(answer.headers['date']),
    body: await readBounded(answer.body, answer.statusCode),
  }
}

function rejected(signal: AbortSignal): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>()
  signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  return promise
}

async function readBounded(body: AsyncIterable<Uint8Array>, status: number): Promise<string> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of body) {
    length += chunk.length
    if (length > MAX_ANSWER_BYTES) throw new ZtsError('ZTS_BAD_ANSWER', 'zts answered at too great length', { status })
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

const single = (value: string | string[] | undefined): string | undefined => (Array.isArray(value) ? value[0] : value)
