import { chmodSync, mkdirSync, readFileSync } from 'node:fs'
import { generateKeyPairSync } from 'node:crypto'
import { IdentityError } from '@pallas/identity'
import { nodeKey, nodeKeyOf, TestCa } from '@pallas/x509/testing'
import { ZtsError } from '@pallas/zts'
import { expect, test } from 'vitest'
import { ABSENT_MS } from './pods.ts'
import { contextOf, csrFor, NAMES, oneLivePod, POD, serialOf, waitUntil } from './testing/one-pod.ts'
import type { World } from './testing/world.ts'

const weakKey = (algorithm: 'rsa-1024' | 'p-384') =>
  nodeKeyOf(
    algorithm === 'p-384'
      ? generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey
      : generateKeyPairSync('rsa', { modulusLength: 1_024 }).privateKey,
  )

test.each<[string, () => Promise<string>, number, string]>([
  ['names of another pod', () => csrFor(nodeKey(), { ...NAMES, commonName: 'media.on-air.api' }), 409, 'CSR_NAMES_CHANGED'],
  ['an address that the pod no longer has', () => csrFor(nodeKey(), { ...NAMES, ip: ['10.9.9.9'] }), 409, 'CSR_NAMES_CHANGED'],
  ['a name too many', () => csrFor(nodeKey(), { ...NAMES, dns: [...NAMES.dns, '*.web.example'] }), 409, 'CSR_NAMES_CHANGED'],
  ['a broken signature', async () => csrFor({ ...nodeKey(), spki: nodeKey().spki }), 400, 'CSR_INVALID'],
  ['an RSA key of 1024 bits', () => csrFor(weakKey('rsa-1024')), 400, 'CSR_INVALID'],
  ['a key on another curve', () => csrFor(weakKey('p-384')), 400, 'CSR_INVALID'],
  ['no CSR', async () => 'hello', 400, 'CSR_INVALID'],
  ['a certificate', async () => (await TestCa.create()).certPem, 400, 'CSR_INVALID'],
  ['far too much', async () => 'A'.repeat(20_000), 400, 'CSR_INVALID'],
])('a csr with %s is refused', async (_name, make, status, code) => {
  const { world, handle } = await oneLivePod()
  await using _world = world
  const reply = await world.call(handle, 'init', { body: { csr: await make() } })
  expect(reply).toMatchObject({ status, body: { code } })
  expect(world.issuer.calls).toEqual([])
  expect(world.documents).toEqual([])
})

test('an RSA key of 2048 bits may ask', async () => {
  const { world, handle } = await oneLivePod()
  await using _world = world
  expect((await world.call(handle, 'init', { body: { csr: await csrFor(nodeKey('rsa')) } })).status).toBe(200)
})

test.each<[string, (world: World) => void, number, string]>([
  ['the kubelet is away', (it) => (it.pods = new Error('ECONNREFUSED')), 503, 'KUBELET_UNAVAILABLE'],
  ['the JWT service is away', (it) => (it.signer = new IdentityError('SIGNER_UNAVAILABLE', 'away')), 503, 'SIGNER_UNAVAILABLE'],
  ['the pod runs elsewhere', (it) => (it.signer = new IdentityError('POD_ON_OTHER_NODE', 'no')), 403, 'POD_ON_OTHER_NODE'],
  ['ZTS is away', (it) => it.issuer.willFail(new ZtsError('ZTS_UNREACHABLE', 'x')), 503, 'ISSUER_UNAVAILABLE'],
  ['ZTS speaks nonsense', (it) => it.issuer.willFail(new ZtsError('ZTS_BAD_ANSWER', 'x')), 503, 'ISSUER_UNAVAILABLE'],
  ['ZTS refuses', (it) => it.issuer.willFail(new ZtsError('ZTS_REFUSED', 'x', { status: 403 })), 403, 'ISSUER_DENIED'],
  [
    'the callback says no through ZTS',
    (it) => it.issuer.willFail(new ZtsError('ZTS_REFUSED', 'x', { status: 403, reason: 'SAN_IP_MISMATCH' })),
    403,
    'SAN_IP_MISMATCH',
  ],
  [
    'the callback says later through ZTS',
    (it) => it.issuer.willFail(new ZtsError('ZTS_BUSY', 'x', { reason: 'API_UNAVAILABLE', retryAfterMs: 9_000 })),
    503,
    'API_UNAVAILABLE',
  ],
  ['something breaks inside', (it) => (it.signer = new Error('secret detail')), 500, 'INTERNAL'],
])('when %s the pod is told so (W27)', async (_name, fault, status, code) => {
  const { world, handle } = await oneLivePod()
  await using _world = world
  fault(world)
  const reply = await world.call(handle, 'init')
  expect(reply).toMatchObject({ status, body: { code } })
  expect(status === 503).toBe(reply.headers['retry-after'] !== undefined)
  expect(reply.text).not.toContain('secret detail')
  expect(await world.metrics.value('requests_total', { action: 'init', code })).toBe(1)
})

test('a pod without an address is waited for, and told when the wait is over (W29)', async () => {
  const { world, handle } = await oneLivePod()
  await using _world = world
  world.pods = [{ ...POD, ip: '' }]
  const waiting = world.call(handle, 'names')
  await waitUntil(() => world.kubeletCalls === 1)
  world.pods = [POD]
  await world.clock.advance(500)
  expect(await waiting).toMatchObject({ status: 200, body: { ip: ['10.1.2.3'] } })

  world.pods = [{ ...POD, ip: '' }]
  const never = world.call(handle, 'init')
  await waitUntil(() => world.kubeletCalls === 3)
  for (let n = 0; n < 8; n++) await world.clock.advance(500)
  expect(await never).toMatchObject({ status: 503, body: { code: 'POD_IP_PENDING' } })
})

test('a pod that the kubelet does not show is waited for, and denied only after a long time', async () => {
  const { world, handle } = await oneLivePod()
  await using _world = world
  await world.clock.advance(3_600_000)
  world.pods = [{ ...POD, name: 'other-0', uid: 'dddddddd-0d7c-4c58-9c3a-2a7f6a1f0c11' }]
  const { kubeletCalls } = world
  const early = world.call(handle, 'names')
  await waitUntil(() => world.kubeletCalls > kubeletCalls)
  for (let n = 0; n < 8; n++) await world.clock.advance(500)
  expect(await early).toMatchObject({ status: 503, body: { code: 'POD_NOT_SEEN_YET' } })
  await world.clock.advance(ABSENT_MS)
  expect(await world.call(handle, 'names')).toMatchObject({ status: 403, body: { code: 'POD_UNKNOWN' } })
})

test('a pod on the network of its host gets no names of that host (W8)', async () => {
  const { world, handle } = await oneLivePod()
  await using _world = world
  world.pods = [{ ...POD, hostNetwork: true }]
  expect(await world.call(handle, 'names')).toMatchObject({ status: 403, body: { code: 'HOST_NETWORK_REFUSED' } })
})

test('refresh state is root only, holds no secret, and a disk that fails costs only the lineage (T12, W18)', async () => {
  const { world, handle } = await oneLivePod()
  await using _world = world
  const first = await world.call(handle, 'init')
  const { context } = world.pathsOf(handle)
  const remembered = Object.keys(contextOf(world, handle)).sort()
  expect(remembered).toEqual(['domain', 'instanceId', 'notAfter', 'provider', 'serial', 'service'])
  expect(readFileSync(context, 'utf8')).toContain(serialOf(first))
  // A directory where the draft would be: the write fails whoever runs the test.
  mkdirSync(`${context}.new`)
  chmodSync(`${context}.new`, 0o700)
  expect((await world.call(handle, 'init')).status).toBe(200)
  expect(contextOf(world, handle)).toMatchObject({ serial: serialOf(first) })
  expect(await world.metrics.value('contexts_unsaved_total')).toBe(1)
})

