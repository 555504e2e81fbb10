import { Agent, buildConnector, Dispatcher } from 'undici'
import { CIPHERS } from './ciphers.ts'
import { ServiceError } from './error.ts'
import type { TlsFiles } from './tls-files.ts'

export interface ClientTimeouts {
  readonly connectMs: number
  /** From the end of the request to the answer's headers. */
  readonly headersMs: number
  /** Between two pieces of the answer's body. */
  readonly bodyMs: number
}

export interface ClientOptions {
  /** Presents this certificate and trusts these roots. */
  readonly tls?: TlsFiles
  /** PEM roots to trust when there is no `tls`, or besides its own. A function is called at each new connection. */
  readonly ca?: string | (() => string)
  /** Name that the server's certificate must carry, when it is not the host of the URL. */
  readonly serverName?: string
  readonly timeouts?: Partial<ClientTimeouts>
  /** Per origin. */
  readonly maxConnections?: number
  /** Longer answers fail. */
  readonly maxResponseBytes?: number
}

const DEFAULT_TIMEOUTS: ClientTimeouts = { connectMs: 5_000, headersMs: 15_000, bodyMs: 15_000 }

/**
 * An undici dispatcher whose every new connection presents the current credentials in a full handshake, and which drops
 * connections made with older ones as they fall idle. It trusts the given roots only: without any it throws `SERVICE_NO_ROOTS`.
 */
export function clientDispatcher(options: ClientOptions): Dispatcher & AsyncDisposable {
  if (rootsOf(options).length === 0) throw new ServiceError('SERVICE_NO_ROOTS', 'no roots to verify servers with')
  return new RenewingDispatcher(options)
}

class RenewingDispatcher extends Dispatcher implements AsyncDisposable {
  readonly #options: ClientOptions
  readonly #stop: () => void
  #agent: Agent

  constructor(options: ClientOptions) {
    super()
    this.#options = options
    this.#agent = agentOf(options)
    this.#stop = options.tls?.onChange(() => this.#renew()) ?? (() => {})
  }

  override dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    return this.#agent.dispatch(options, handler)
  }

  override close(): Promise<void>
  override close(callback: () => void): void
  override close(callback?: () => void): Promise<void> | void {
    this.#stop()
    return callback === undefined ? this.#agent.close() : this.#agent.close(callback)
  }

  override destroy(...args: unknown[]): Promise<void> {
    this.#stop()
    const [error] = args
    return this.#agent.destroy(error instanceof Error ? error : null)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.destroy()
  }

  #renew(): void {
    const old = this.#agent
    this.#agent = agentOf(this.#options)
    old.close().catch(() => {})
  }
}

function agentOf(options: ClientOptions): Agent {
  const { tls, serverName, maxConnections = 64, maxResponseBytes = 4 * 1024 * 1024 } = options
  const timeouts = { ...DEFAULT_TIMEOUTS, ...options.timeouts }
  const identity = tls?.current()
  const connectorFor = (roots: string[]) => buildConnector({
    ca: roots,
    ...(serverName === undefined ? {} : { servername: serverName }),
    ...(identity === undefined ? {} : { key: identity.key, cert: identity.cert }),
    timeout: timeouts.connectMs,
    minVersion: 'TLSv1.2',
    ciphers: CIPHERS,
    maxCachedSessions: 0,
    allowH2: false,
  })
  const fixed = typeof options.ca === 'function' ? undefined : connectorFor(rootsOf(options))
  const connect: buildConnector.connector = (to, done) => (fixed ?? connectorFor(rootsOf(options)))(to, done)
  return new Agent({
    connect,
    connections: maxConnections,
    pipelining: 1,
    headersTimeout: timeouts.headersMs,
    bodyTimeout: timeouts.bodyMs,
    keepAliveTimeout: 30_000,
    keepAliveMaxTimeout: 60_000,
    maxResponseSize: maxResponseBytes,
  })
}

function rootsOf({ tls, ca }: ClientOptions): string[] {
  const given = typeof ca === 'function' ? ca() : ca
  return [...(tls?.current().ca ?? []), ...(given === undefined ? [] : [given])]
}
