/** `Zts` over HTTPS. Connections without the caller's own key are kept; one with a key lives for its one call. */
import { createSecureContext } from 'node:tls'
import type { Clock } from '@pallas/host'
import { Client, type Dispatcher } from 'undici'
import { identityOf, serviceCertificateOf } from './answers.ts'
import { ZtsError } from './error.ts'
import { exchange, type RawAnswer } from './exchange.ts'
import { keepConnections, trustOf } from './kept-connections.ts'
import { instancePath, registerPath, serviceRefreshPath } from './paths.ts'
import { httpDateOf, refusalOf } from './refusal.ts'
import type { RefreshRequest, RegisterRequest, Zts } from './zts.ts'

export interface ZtsClientOptions {
  /** Base URL with its version path, `https://…/zts/v1`. */
  readonly endpoint: URL
  /** PEM bundle: who ZTS is. No other roots are trusted, and none when it is empty. Asked again for each call. */
  readonly roots: () => string
  /** For every call but refresh: brings its own roots and, where the caller must be known, its own credentials. */
  readonly dispatcher?: Dispatcher
  /** For one whole call, connecting included. */
  readonly timeoutMs: number
  /** `SIA-<provider> <version>` makes ZTS note the provider in its records. */
  readonly userAgent: string
  readonly clock: Pick<Clock, 'now'>
  /** Told what time it is at ZTS, epoch milliseconds, with each answer that says so. */
  readonly onTime?: (now: number) => void
}

/** Disposing it ends the calls that are under way. */
export function createZtsClient(options: ZtsClientOptions): Zts & AsyncDisposable {
  const { endpoint, roots, timeoutMs, userAgent, clock, onTime = () => undefined } = options
  const kept = keepConnections({ roots, timeoutMs })
  const dispatcher = () => options.dispatcher ?? kept.dispatcher()
  const base = endpoint.pathname.replace(/\/+$/, '')

  /** Posts a body, or deletes when there is none; resolves only with the status that means yes. */
  async function call(expected: number, to: Call, signal?: AbortSignal): Promise<RawAnswer> {
    const answer = await exchange(
      {
        dispatcher: to.once ?? dispatcher(),
        origin: endpoint.origin,
        path: `${base}${to.path}`,
        headers: { 'user-agent': userAgent, accept: 'application/json', ...to.headers, ...contentOf(to) },
        timeoutMs,
        ...(to.body === undefined ? { method: 'DELETE' } : { method: 'POST', body: JSON.stringify(to.body) }),
      },
      signal,
    )
    const time = httpDateOf(answer.date ?? '')
    if (!Number.isNaN(time)) onTime(time)
    if (answer.status === expected) return answer
    throw refusalOf(answer, clock.now())
  }

  return {
    async register(request, signal) {
      const { provider, domain, service } = request
      const body = { provider, domain, service, ...wishesOf(request) }
      const answer = await call(201, { path: registerPath(), body }, signal)
      return identityOf(answer, { domain, service })
    },

    async refresh(request, signal) {
      const path = instancePath(request)
      const once = clientWith(request.credentials, endpoint, { roots, timeout: timeoutMs })
      try {
        return identityOf(await call(200, { once, path, body: wishesOf(request) }, signal), request)
      } finally {
        await once.destroy()
      }
    },

    async deleteInstance(instance, signal) {
      await call(204, { path: instancePath(instance) }, signal)
    },

    async refreshService({ domain, service, csr, expiryMinutes, token, header }, signal) {
      const path = serviceRefreshPath(domain, service)
      const body = { csr, expiryTime: expiryMinutes }
      const headers = { [header ?? 'Athenz-Principal-Auth']: token }
      const answer = await call(200, { path, body, headers }, signal)
      return serviceCertificateOf(answer, { domain, service })
    },

    async [Symbol.asyncDispose]() {
      await kept[Symbol.asyncDispose]()
    },
  }
}

interface Call {
  /** A connection for this call alone. */
  readonly once?: Dispatcher
  readonly path: string
  readonly body?: object
  readonly headers?: Readonly<Record<string, string>>
}

/** Named one by one: nothing else that a request may carry is sent. What is undefined is left out. */
const wishesOf = (request: RegisterRequest | RefreshRequest): object => {
  const { attestationData, csr, expiryMinutes, token, hostname, namespace, cloud } = request
  return { attestationData, csr, expiryTime: expiryMinutes, token, hostname, namespace, cloud }
}

const contentOf = ({ body }: Call): Record<string, string> =>
  body === undefined ? {} : { 'content-type': 'application/json' }

interface Connect {
  readonly roots: () => string
  /** Ends what a call that gave up has left behind. */
  readonly timeout: number
}

/** No session is kept: the next call may come with another key. */
function clientWith(credentials: RefreshRequest['credentials'], endpoint: URL, { roots, timeout }: Connect): Client {
  const pair = { key: credentials.keyPem, cert: credentials.certPem }
  try {
    createSecureContext(pair)
  } catch {
    // The cause may quote the key.
    throw new ZtsError('ZTS_REFUSED', 'key and certificate cannot be used together')
  }
  const connect = { ...trustOf(roots()), ...pair, timeout, maxCachedSessions: 0 }
  return new Client(endpoint.origin, { connect, allowH2: false })
}
