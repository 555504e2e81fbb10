/** The embedded ZTS with a callback and clients, in a world where one provider may launch one service. */
import { type NTokenClaims, buildNToken } from '@pallas/identity'
import { systemClock } from '@pallas/runtime'
import { type NodeKey, nodeKey, TestCa } from '@pallas/x509/testing'
import { createPublicKey } from 'node:crypto'
import { Agent } from 'undici'
import { createZtsClient } from '../client.ts'
import type { ZtsUnderTest } from './contract-world.ts'
import {
  addService,
  allowRole,
  type EmbeddedZts,
  type EmbeddedZtsOptions,
  startEmbeddedZts,
  worldOf,
  type ZtsWorld,
} from './embedded-zts/index.ts'
import { startTestCallback, type TestCallback } from './test-callback.ts'

export const PROVIDER = 'k8s.identity'
const DNS_SUFFIX = 'svc.cluster.test'

export interface OpenEmbedded extends ZtsUnderTest {
  readonly server: EmbeddedZts
  readonly world: ZtsWorld
  readonly ca: TestCa
  readonly callback: TestCallback
}

export interface OpenOptions extends Partial<EmbeddedZtsOptions> {
  readonly timeoutMs?: number
}

export async function openEmbedded({ timeoutMs = 5_000, ...options }: OpenOptions = {}): Promise<OpenEmbedded> {
  await using scope = new AsyncDisposableStack()
  const ca = await TestCa.create({ name: 'services' })
  const pair = await ca.issue({ commonName: PROVIDER })
  const callback = scope.use(await startTestCallback({ key: pair.keyPem, cert: pair.certPem, ca: ca.certPem }))
  const { world, owner } = someWorld(callback.endpoint)
  const server = scope.use(await startEmbeddedZts({ world, ca, callbackTimeoutMs: 2_000, ...options }))

  const userAgent = 'SIA-k8s.identity 1'
  const common = { endpoint: server.url, roots: () => server.caPem, timeoutMs, userAgent, clock: systemClock }
  const zts = scope.use(createZtsClient(common))
  const known = new Agent({ connect: { ca: server.caPem, key: pair.keyPem, cert: pair.certPem } })
  scope.adopt(known, (it) => it.close())
  const asProvider = scope.use(createZtsClient({ ...common, dispatcher: known }))
  const member = await ca.issue({ commonName: 'shop.web' })
  const parts = scope.move()
  return {
    zts,
    asProvider,
    url: server.url,
    serverRoots: server.caPem,
    roots: ca.chainPem,
    provider: PROVIDER,
    dnsSuffix: DNS_SUFFIX,
    launched: { domain: 'shop', service: 'cart' },
    forbidden: { domain: 'bank', service: 'teller' },
    member: { domain: 'shop', service: 'web', pair: member, role: 'readers', otherRole: 'writers' },
    callback,
    owner: { domain: 'k8s.admin', service: 'callback', key: owner, token: (claims) => tokenOf(owner, claims) },
    server,
    world,
    ca,
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  }
}

function someWorld(endpoint: string): { world: ZtsWorld; owner: NodeKey } {
  const world = worldOf({ provider: PROVIDER, endpoint, dnsSuffixes: [DNS_SUFFIX], services: ['shop.cart'] })
  addService(world, 'bank.teller')
  allowRole(world, 'shop', 'readers', ['shop.web'])
  allowRole(world, 'shop', 'writers', ['bank.teller'])
  const owner = nodeKey()
  addService(world, 'k8s.admin.callback').publicKeys['v1'] = publicPemOf(owner)
  return { world, owner }
}

export const publicPemOf = ({ object }: NodeKey): string =>
  createPublicKey(object).export({ format: 'pem', type: 'spki' })

function tokenOf(key: NodeKey, claims: Partial<NTokenClaims> = {}): Promise<string> {
  const issuedAt = Math.floor(systemClock.now() / 1_000)
  const owner = { domain: 'k8s.admin', service: 'callback', keyId: 'v1' }
  const life = { salt: 'abcdef01', issuedAt, expiresAt: issuedAt + 3_600 }
  return buildNToken({ ...owner, ...life, ...claims }, (data) => key.sign(data))
}
