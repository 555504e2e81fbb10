/**
 * A ZTS in this process: the real protocol over real TLS, as strict and as lax as the recorded one.
 *
 * For tests and the sandbox. Where it differs from the recorded one, the README of this library says so.
 */
import { type Clock, type Logger, systemClock } from '@pallas/runtime'
import type { TestCa } from '@pallas/x509/testing'
import type { ZtsCall } from './calls.ts'
import { createFaults, hiddenKey, type ZtsFaults } from './faults.ts'
import { listenHttps, type ServerPair } from './https-server.ts'
import { createIssuer } from './issuer.ts'
import type { ZtsParts } from './parts.ts'
import { createProviderCaller } from './provider/provider-call.ts'
import { type CertificateRecords, createCertificateRecords } from './instances/records.ts'
import { BASE_PATH, createListener } from './serve.ts'
import { createSigningKey } from './signing-key.ts'
import { createServiceTokens, type PublicKeyOf } from './tokens.ts'
import { own, serviceIn, type ZtsWorld } from './world.ts'

export interface EmbeddedZtsOptions {
  /** Read anew at each call: change it at will. */
  readonly world: ZtsWorld
  /** Signs every certificate, and vouches for every client of this ZTS. */
  readonly ca: TestCa
  /** Who this ZTS is, to clients and to callbacks, and the roots for that; by default `ca` vouches for it too. */
  readonly server?: ServerPair & { readonly rootsPem: string }
  /** PEM roots of callbacks; by default those of `ca`. */
  readonly callbackRoots?: string
  /** For one whole call of a callback; a real ZTS waits 30 s. */
  readonly callbackTimeoutMs?: number
  /** Default: a free port of the loopback. */
  readonly listen?: { readonly host: string; readonly port: number }
  readonly clock?: Clock
  /** Is told of every call when it is over. */
  readonly onCall?: (call: ZtsCall) => void
  /** Hears of what broke in here. */
  readonly log?: Pick<Logger, 'error'>
}

export interface EmbeddedZts extends AsyncDisposable {
  /** Base URL with its version path. */
  readonly url: URL
  /** PEM roots that clients must trust. */
  readonly caPem: string
  /** For everything that can go wrong. */
  readonly faults: ZtsFaults
  readonly records: Pick<CertificateRecords, 'get'>
  /** Every call so far, oldest first. */
  calls(): readonly ZtsCall[]
}

export async function startEmbeddedZts(options: EmbeddedZtsOptions): Promise<EmbeddedZts> {
  const { world, ca, clock = systemClock, log } = options
  const server = options.server ?? (await ownServer(ca))
  const faults = createFaults()
  const now = () => clock.now() + (faults.current().clockOffsetMs ?? 0)
  const records = createCertificateRecords()
  const key = createSigningKey()
  const publicKeyOf: PublicKeyOf = (service, keyId) =>
    faults.current().hiddenKeys?.has(hiddenKey(service, keyId)) === true
      ? undefined
      : own(serviceIn(world, service)?.publicKeys, keyId)
  const parts: ZtsParts = {
    world,
    records,
    issuer: createIssuer({ ca, clock: { now }, defect: () => faults.current().defect }),
    tokens: createServiceTokens({ publicKeyOf, key, clock: { now } }),
    publicKeyOf,
    key,
    ask: createProviderCaller({
      roots: options.callbackRoots ?? ca.chainPem,
      client: server,
      timeoutMs: options.callbackTimeoutMs ?? 30_000,
    }),
    now,
    monotonic: () => clock.monotonic(),
  }
  const calls: ZtsCall[] = []
  const told = (call: ZtsCall) => {
    calls.push(call)
    options.onCall?.(call)
  }
  const listening = await listenHttps({
    pair: server,
    clientRoots: ca.chainPem,
    listen: options.listen ?? { host: '127.0.0.1', port: 0 },
    away: () => faults.current().away === true,
    now,
    handle: createListener({ parts, clock, faults: faults.current, told, log }),
  })
  return {
    url: new URL(`${listening.url}${BASE_PATH}`),
    caPem: server.rootsPem,
    faults: faults.control,
    records,
    calls: () => [...calls],
    [Symbol.asyncDispose]: () => listening[Symbol.asyncDispose](),
  }
}

async function ownServer(ca: TestCa): Promise<ServerPair & { rootsPem: string }> {
  const names = { commonName: 'sys.auth.zts', dns: ['localhost'], ip: ['127.0.0.1', '::1'] }
  return { ...(await ca.issue(names)), rootsPem: ca.chainPem }
}
