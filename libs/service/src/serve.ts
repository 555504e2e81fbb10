import { networkInterfaces } from 'node:os'
import type { Address } from '@pallas/config'
import type { Clock } from '@pallas/runtime'
import type { FastifyInstance } from 'fastify'
import { ServiceError } from './error.ts'

/** A server that listens until it is disposed. */
export interface Served extends AsyncDisposable {
  /** Without a path; `localhost` where it listens on every interface. */
  readonly url: string
}

export interface ServeOptions {
  readonly listen: Address
  /** How long requests in flight may still take when disposed; then their connections are cut. */
  readonly graceMs: number
  readonly clock: Clock
}

/** Throws `ServiceError` `SERVICE_LISTEN` when the address cannot be had. */
export async function serve(app: FastifyInstance, { listen, graceMs, clock }: ServeOptions): Promise<Served> {
  const host = addressFor(listen.host)
  try {
    await app.listen({ host, port: listen.port, listenTextResolver: (address) => `listening on ${address}` })
  } catch (cause) {
    await app.close()
    throw new ServiceError('SERVICE_LISTEN', 'cannot listen', { host, port: listen.port }, cause)
  }
  return { url: urlOf(app, host), [Symbol.asyncDispose]: () => closeWithin(app, graceMs, clock) }
}

/** Exactly one: for `localhost` fastify would open a second server, which our following of certificates does not reach. */
function addressFor(host: string): string {
  if (host === 'localhost') return '127.0.0.1'
  return host === '' ? anyAddress() : host
}

/** Both families where the machine has both. */
function anyAddress(): string {
  const families = Object.values(networkInterfaces()).flatMap((list = []) => list.map(({ family }) => family))
  return families.includes('IPv6') ? '::' : '0.0.0.0'
}

function urlOf(app: FastifyInstance, host: string): string {
  const at = app.addresses()[0]
  const port = typeof at === 'object' ? at.port : 0
  const name = ['::', '0.0.0.0'].includes(host) ? 'localhost' : host.includes(':') ? `[${host}]` : host
  return `${app.initialConfig.https ? 'https' : 'http'}://${name}:${port}`
}

/** Stops taking requests, lets those in flight end, and after the grace cuts what is left. */
export async function closeWithin(app: FastifyInstance, graceMs: number, clock: Clock): Promise<void> {
  const closed = new AbortController()
  const cut = clock.sleep(graceMs, closed.signal).then(
    () => app.server.closeAllConnections(),
    () => {},
  )
  try {
    await app.close()
  } finally {
    closed.abort()
    await cut
  }
}
