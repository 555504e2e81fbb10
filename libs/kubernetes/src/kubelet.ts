/** The kubelet's read API: which pods run on this host, `GET /pods`, right `nodes/pods` (node-interfaces, 6). */
import type { Clock } from '@pallas/host'
import type { Pod } from '@pallas/identity'
import { unlessAborted } from './abort.ts'
import { KubernetesError } from './error.ts'
import { createHttps, type Https } from './https.ts'
import { parseJson } from './json.ts'
import { type OnMalformed, podsOf } from './pods.ts'
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
  /** Callers within this time after a call began share its outcome, good or bad. */
  readonly windowMs?: number
  readonly maxBytes?: number
  /** Told of every item that is no pod and was left out. */
  readonly onMalformed?: OnMalformed
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

/** One call at a time, and at most one per window, however many ask. */
export function createKubelet(options: KubeletOptions): Kubelet & AsyncDisposable {
  const { clock, windowMs = 500 } = options
  const https = openHttps(options)
  let shared: { readonly pods: Promise<readonly Pod[]>; readonly since: number; done: boolean } | undefined

  function call(): Promise<readonly Pod[]> {
    const flight = { pods: fetchPods(https, options), since: clock.monotonic(), done: false }
    const land = () => {
      flight.done = true
    }
    flight.pods.then(land, land)
    shared = flight
    return flight.pods
  }

  return {
    pods: (signal) => {
      const fresh = shared !== undefined && (!shared.done || clock.monotonic() - shared.since < windowMs)
      return unlessAborted(fresh && shared !== undefined ? shared.pods : call(), signal)
    },
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

async function fetchPods(https: Https, options: KubeletOptions): Promise<readonly Pod[]> {
  const { token, trust, timeoutMs = 5_000, maxBytes = 64 * 1024 * 1024, onMalformed = () => {} } = options
  const ask = (headers: Readonly<Record<string, string>>) =>
    https.send({ method: 'GET', path: '/pods', headers: { accept: 'application/json', ...headers }, timeoutMs }, maxBytes)
  const answer = 'plain' in trust ? await ask({}) : await withBearer(token, (authorization) => ask({ authorization }))
  if (answer.status !== 200) throw errorOfRefusal(answer)
  return podsOf(parseJson(answer.body), onMalformed)
}

const refused = (message: string, { hostname, protocol }: URL) =>
  new KubernetesError('KUBE_INVALID', message, { fields: { hostname, protocol } })
