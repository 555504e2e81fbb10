/** The kubelet's read API: which pods run on this host, `GET /pods`, right `nodes/pods` (node-interfaces, 6). */
import type { Clock } from '@pallas/host'
import type { Pod } from '@pallas/identity'
import { unlessAborted } from './abort.ts'
import { KubernetesError } from './error.ts'
import { createHttps, type Https, type HttpsStream } from './https.ts'
import { type PodListOptions, readPods } from './pod-list.ts'
import { errorOfRefusal } from './status.ts'
import { type TokenSource, withBearer } from './token.ts'

export interface Kubelet {
  /**
   * Pods as the kubelet shows them, asked for at most `windowMs` ago. Rejects with `KUBE_UNAUTHORIZED`,
   * `KUBE_FORBIDDEN` (the token lacks `nodes/pods`), `KUBE_TIMEOUT`, `KUBE_UNREACHABLE`, `KUBE_BUSY` or
   * `KUBE_BAD_ANSWER`.
   */
  pods(signal?: AbortSignal): Promise<readonly Pod[]>
}

export interface KubeletOptions {
  /** `https://<host>:10250`; with `plain` trust `http://<host>:10255`. */
  readonly url: URL
  readonly token: TokenSource
  readonly trust: KubeletTrust
  readonly clock: Pick<Clock, 'monotonic'>
  readonly timeoutMs?: number
  /** Callers within this time after a call began share its outcome, good or bad; later ones, the next. */
  readonly windowMs?: number
  /** Told of every item that is no pod, or too long to be read, and was left out. */
  readonly onMalformed?: PodListOptions['onMalformed']
  readonly maxItemBytes?: number
  /** Keys of the annotations that are kept; without them all are. */
  readonly annotations?: readonly string[]
}

/**
 * How the kubelet's certificate is judged: by roots (and a name other than the URL's host), or, for kubelets that sign
 * their own, not at all, which is allowed for a loopback address only. `plain` is the read-only port: it has none, and no
 * token is sent there.
 */
export type KubeletTrust =
  | { readonly ca: string; readonly serverName?: string }
  | { readonly insecureLoopback: true }
  | { readonly plain: true }

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/

interface Flight {
  readonly pods: Promise<readonly Pod[]>
  readonly since: number
  landed: boolean
}

/** One call at a time, and at most one per window, however many ask. Nobody is told what was so before the window. */
export function createKubelet(options: KubeletOptions): Kubelet & AsyncDisposable {
  const { clock, windowMs = 500 } = options
  const https = openHttps(options)
  let last: Flight | undefined
  let next: Promise<readonly Pod[]> | undefined

  function call(): Promise<readonly Pod[]> {
    next = undefined
    const flight = { pods: fetchPods(https, options), since: clock.monotonic(), landed: false }
    const land = () => {
      flight.landed = true
    }
    flight.pods.then(land, land)
    last = flight
    return flight.pods
  }

  function shared(): Promise<readonly Pod[]> {
    if (last === undefined) return call()
    if (clock.monotonic() - last.since < windowMs) return last.pods
    if (last.landed) return call()
    next ??= last.pods.then(call, call)
    return next
  }

  return {
    pods: (signal) => unlessAborted(shared(), signal),
    [Symbol.asyncDispose]: () => https[Symbol.asyncDispose](),
  }
}

function openHttps({ url, trust }: KubeletOptions): Https {
  if ('plain' in trust) {
    if (url.protocol !== 'http:') throw refused('the read-only port speaks http', url)
    return createHttps({ server: url, ca: undefined })
  }
  if (url.protocol !== 'https:') throw refused('the kubelet is spoken to over https only', url)
  if (!('insecureLoopback' in trust)) return createHttps({ server: url, ...trust })
  if (!LOOPBACK.test(url.hostname)) throw refused('an unverified kubelet must be on a loopback address', url)
  return createHttps({ server: url, ca: undefined })
}

/** More than any refusal says. */
const REFUSAL_BYTES = 64 * 1024

async function fetchPods(https: Https, options: KubeletOptions): Promise<readonly Pod[]> {
  const { token, trust, timeoutMs = 5_000, onMalformed = () => {}, ...rest } = options
  const ask = async (headers: Readonly<Record<string, string>>): Promise<Answer> => {
    const request = { method: 'GET', path: '/pods', headers: { accept: 'application/json', ...headers }, timeoutMs } as const
    const stream = await https.open(request)
    if (stream.status !== 200) return { ...stream, body: await beginningOf(stream.chunks) }
    return { ...stream, pods: await readPods(stream.chunks, { ...rest, onMalformed }) }
  }
  const answer = 'plain' in trust ? await ask({}) : await withBearer(token, (authorization) => ask({ authorization }))
  if ('pods' in answer) return answer.pods
  throw errorOfRefusal(answer)
}

type Answer = HttpsStream & ({ readonly pods: readonly Pod[] } | { readonly body: string })

async function beginningOf(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = []
  let length = 0
  for await (const chunk of chunks) {
    parts.push(chunk)
    length += chunk.length
    if (length > REFUSAL_BYTES) break
  }
  return Buffer.concat(parts).toString('utf8')
}

const refused = (message: string, { hostname, protocol }: URL) =>
  new KubernetesError('KUBE_INVALID', message, { fields: { hostname, protocol } })
