import { readFileSync, writeFileSync } from 'node:fs'
import { IdentityError } from '@pallas/identity'
import { aPod } from '@pallas/identity/testing'
import type { Handle } from '@pallas/wire'
import { nodeKey, TestCa } from '@pallas/x509/testing'
import { ZtsError } from '@pallas/zts'
import { expect, test } from 'vitest'
import { contextOf, csrFor, NAMES, oneLivePod, pem, POD, serialOf } from './testing/one-pod.ts'
import type { World } from './testing/world.ts'

const HOUR = 3_600_000
const ztsAway = () => new ZtsError('ZTS_UNREACHABLE', 'zts could not be reached')
const signerAway = () => new IdentityError('SIGNER_UNAVAILABLE', 'the jwt service does not answer')

const away: readonly (readonly [string, string, (world: World) => void])[] = [
  ['ZTS', 'ISSUER_UNAVAILABLE', (world) => world.issuer.willFail(ztsAway())],
  ['the JWT service', 'SIGNER_UNAVAILABLE', (world) => void (world.signer = signerAway())],
  ['the API server behind the JWT service', 'API_UNAVAILABLE', (world) => void (world.signer = new IdentityError('API_UNAVAILABLE', 'no answer'))],
  ['the JWT service, overloaded', 'BUSY', (world) => void (world.signer = new IdentityError('BUSY', 'later', {}, { retryAfterMs: 2_000 }))],
  ['ZTS, overloaded', 'ISSUER_UNAVAILABLE', (world) => world.issuer.willFail(new ZtsError('ZTS_BUSY', 'later', { status: 503 }))],
]

/** A pod with an identity for a key of its own, an agent that has been restarted since, and nothing upstream. */
async function restartedInOutage(cut: (world: World) => void) {
  const { world, handle } = await oneLivePod()
  const key = nodeKey()
  const csr = await csrFor(key)
  const first = await world.call(handle, 'init', { body: { csr } })
  await world.stopAgent()
  cut(world)
  await world.startAgent()
  return { world, handle, csr, first }
}

test.each(away)('restarted while %s is away, the agent attests live pods, knows their names, and says later (T29, T28)', async (_name, code, cut) => {
  const { world, handle } = await restartedInOutage(cut)
  await using _world = world
  expect(await world.call(handle, 'names')).toMatchObject({ status: 200, body: NAMES })
  for (const action of ['init', 'refresh'] as const) {
    const reply = await world.call(handle, action, { body: { csr: await csrFor(nodeKey()) } })
    const status = code === 'BUSY' ? 429 : 503
    expect(reply).toMatchObject({ status, body: { code }, headers: { 'retry-after': expect.stringMatching(/^\d+$/) } })
  }
})

test('restarted in an outage, the agent refuses pods that have ended, and strangers (T29)', async () => {
  const { world, handle, csr } = await restartedInOutage((it) => it.issuer.willFail(ztsAway()))
  await using _world = world
  world.pods = [{ ...POD, phase: 'Succeeded' }]
  expect(await world.call(handle, 'init', { body: { csr } })).toMatchObject({ status: 403, body: { code: 'POD_ENDED' } })
  world.pods = [POD]
  world.enter({ uid: 'bbbbbbbb-0d7c-4c58-9c3a-2a7f6a1f0c11' })
  expect(await world.call(handle, 'init', { body: { csr } })).toMatchObject({ status: 403, body: { code: 'HANDLE_PEER_MISMATCH' } })
})

test.each(away)('while %s is away, an init with the key of the newest certificate gets that certificate again (T29, T17)', async (_name, _code, cut) => {
  const { world, handle, csr, first } = await restartedInOutage(cut)
  await using _world = world
  const again = await world.call(handle, 'init', { body: { csr } })
  expect([again.status, serialOf(again)]).toEqual([200, serialOf(first)])
  expect(again.body).toEqual({ ntoken: '', certPEM: first.body['certPEM'], caCertPEM: first.body['caCertPEM'] })
  expect(await world.metrics.value('identities_repeated_total')).toBe(1)
  const told = world.memory.records.filter(({ msg }) => msg === 'certificate handed out again, nothing is issued now')
  expect(told).toMatchObject([{ level: 'warn', podUid: POD.uid, serial: serialOf(first) }])
})

test('where anything can be issued a new certificate is, also for the same key', async () => {
  const { world, handle, csr, first } = await restartedInOutage(() => undefined)
  await using _world = world
  const again = await world.call(handle, 'init', { body: { csr } })
  expect(serialOf(again)).not.toBe(serialOf(first))
})

test('a refresh is answered from the record only while it can be that an answer was lost (T29)', async () => {
  const { world, handle, csr, first } = await restartedInOutage((it) => it.issuer.willFail(ztsAway()))
  await using _world = world
  world.clock.jump(5 * HOUR)
  expect(serialOf(await world.call(handle, 'refresh', { body: { csr } }))).toBe(serialOf(first))
  world.clock.jump(2 * HOUR)
  expect(await world.call(handle, 'refresh', { body: { csr } })).toMatchObject({ status: 503, body: { code: 'ISSUER_UNAVAILABLE' } })
  expect((await world.call(handle, 'init', { body: { csr } })).status).toBe(200)
})

test('a denial is a denial: no record softens it', async () => {
  const { world, handle, csr } = await restartedInOutage((it) => it.issuer.willFail(new ZtsError('ZTS_REFUSED', 'no', { status: 403 })))
  await using _world = world
  expect(await world.call(handle, 'init', { body: { csr } })).toMatchObject({ status: 403, body: { code: 'ISSUER_DENIED' } })
})

const rewrite = (world: World, handle: Handle, change: (context: Record<string, unknown>) => object | string): void => {
  const changed = change(contextOf(world, handle) as Record<string, unknown>)
  writeFileSync(world.pathsOf(handle).context, typeof changed === 'string' ? changed : JSON.stringify(changed))
}

const issuedWith = async (ca: TestCa, world: World, other: Partial<Parameters<TestCa['issue']>[0]>) => {
  const { certPem, serial } = await ca.issue({ ...NAMES, notBefore: world.clock.now(), ...other })
  return { serial, issued: { cert: certPem, ca: ca.certPem } }
}

const attacks: readonly (readonly [string, (it: { world: World; handle: Handle; spki: Uint8Array }) => Promise<void> | void])[] = [
  ['whose names have changed since', ({ world }) => void (world.pods = [{ ...POD, ip: '10.9.9.9' }])],
  ['that has expired', ({ world }) => world.clock.jump(25 * HOUR)],
  ['of another pod', ({ world, handle }) => rewrite(world, handle, (it) => ({ ...it, instanceId: 'bbbbbbbb-0d7c-4c58-9c3a-2a7f6a1f0c11' }))],
  ['of another provider', ({ world, handle }) => rewrite(world, handle, (it) => ({ ...it, provider: 'k8s.other' }))],
  ['that is not the newest', ({ world, handle }) => rewrite(world, handle, (it) => ({ ...it, serial: 'AB12' }))],
  ['that is not whole', ({ world, handle }) => rewrite(world, handle, (it) => JSON.stringify(it).slice(0, -30))],
  ['that is far too long', ({ world, handle }) => rewrite(world, handle, (it) => JSON.stringify(it) + ' '.repeat(70_000))],
  ['that is no certificate', ({ world, handle }) => rewrite(world, handle, (it) => ({ ...it, issued: { cert: 'hello', ca: '' } }))],
  [
    'that a stranger signed',
    async ({ world, handle, spki }) => {
      const made = await issuedWith(await TestCa.create({ name: 'athenz ca', now: world.clock.now() }), world, { key: spki })
      rewrite(world, handle, (it) => ({ ...it, ...made }))
    },
  ],
  [
    'for another key',
    async ({ world, handle }) => {
      const made = await issuedWith(world.issuer.ca, world, { key: nodeKey().spki })
      rewrite(world, handle, (it) => ({ ...it, ...made }))
    },
  ],
  [
    'for another name',
    async ({ world, handle, spki }) => {
      const made = await issuedWith(world.issuer.ca, world, { key: spki, commonName: 'media.on-air.api' })
      rewrite(world, handle, (it) => ({ ...it, ...made }))
    },
  ],
]

test.each(attacks)('from a record %s nothing is handed out (T29, T16)', async (_name, attack) => {
  const { world, handle } = await oneLivePod()
  await using _world = world
  const key = nodeKey()
  await world.call(handle, 'init', { body: { csr: await csrFor(key) } })
  world.issuer.willFail(ztsAway())
  expect((await world.call(handle, 'init', { body: { csr: await csrFor(key) } })).status).toBe(200)
  await attack({ world, handle, spki: key.spki })
  const { body: names } = await world.call(handle, 'names')
  const reply = await world.call(handle, 'init', { body: { csr: await csrFor(key, names as never) } })
  expect(reply).toMatchObject({ status: 503, body: { code: 'ISSUER_UNAVAILABLE' } })
})

test("a record copied from another pod's volume is that pod's: its key gets nothing here (T29, T01)", async () => {
  const other = aPod({ name: 'b-0', uid: 'bbbbbbbb-0d7c-4c58-9c3a-2a7f6a1f0c11', ip: '10.1.2.2' })
  const { world, handle } = await oneLivePod()
  await using _world = world
  world.pods = [POD, other]
  const foreign = world.addVolume(other)
  await world.stopAgent()
  await world.startAgent()
  const key = nodeKey()
  await world.call(handle, 'init', { body: { csr: await csrFor(key) } })
  writeFileSync(world.pathsOf(foreign).context, readFileSync(world.pathsOf(handle).context))
  world.issuer.willFail(ztsAway())
  world.enter(other)
  const names = (await world.call(foreign, 'names')).body as never
  const reply = await world.call(foreign, 'init', { body: { csr: await csrFor(key, names) } })
  expect(reply).toMatchObject({ status: 503, body: { code: 'ISSUER_UNAVAILABLE' } })
})

test('the record is for the pod that holds its key: of keys that the agent makes nothing is kept (W16)', async () => {
  const { world, handle } = await oneLivePod()
  await using _world = world
  const first = await world.call(handle, 'init')
  expect(Object.keys(contextOf(world, handle))).not.toContain('issued')
  expect(readFileSync(world.pathsOf(handle).context, 'utf8')).not.toContain('PRIVATE')
  world.issuer.willFail(ztsAway())
  const { keyPEM, certPEM } = first.body
  expect(await world.call(handle, 'init')).toMatchObject({ status: 503, body: { code: 'ISSUER_UNAVAILABLE' } })
  expect(await world.call(handle, 'refresh', { body: { keyPEM, certPEM } })).toMatchObject({ status: 503 })
})

test('what is kept of an identity is public: names, serial, certificates (W18)', async () => {
  const { world, handle } = await oneLivePod()
  await using _world = world
  const reply = await world.call(handle, 'init', { body: { csr: await csrFor(nodeKey()) } })
  const text = readFileSync(world.pathsOf(handle).context, 'utf8')
  expect(JSON.parse(text)).toMatchObject({ issued: { cert: pem(reply.body['certPEM']), ca: pem(reply.body['caCertPEM']) } })
  expect(text).not.toMatch(/PRIVATE|v=S1|signature/)
})

test.each([
  ['ended', [{ ...POD, phase: 'Succeeded' as const }], 403, 'POD_ENDED'],
  ['been terminated', [{ ...POD, deleting: true }], 403, 'POD_TERMINATING'],
  ['got another address', [{ ...POD, ip: '10.9.9.9' }], 503, 'ISSUER_UNAVAILABLE'],
])('a pod that has %s while ZTS did not answer gets nothing from the record (T29)', async (_name, pods, status, code) => {
  const { world, handle, csr } = await restartedInOutage(() => undefined)
  await using _world = world
  const asked = Promise.withResolvers<void>()
  const hung = Promise.withResolvers<never>()
  world.issuer.will(() => (asked.resolve(), hung.promise))
  const reply = world.call(handle, 'init', { body: { csr } })
  await asked.promise
  world.pods = pods
  hung.reject(ztsAway())
  expect(await reply).toMatchObject({ status, body: { code } })
})

test('roots of the time of issue are not handed out again: today\'s are (T32, T29)', async () => {
  const { world, handle } = await oneLivePod()
  await using _world = world
  const [removed, today] = [await TestCa.create({ name: 'removed', now: world.clock.now() }), world.issuer.ca.certPem]
  const trust = (roots: string) => void (world.cluster = { trustRoots: { athenz: roots, athenzService: roots } })
  trust(removed.certPem + today)
  world.issuer.will(async (_call, honest) => ({ ...(await honest()), x509CertificateSigner: '' }))
  const csr = await csrFor(nodeKey())
  const first = await world.call(handle, 'init', { body: { csr } })
  expect(pem(first.body['caCertPEM'])).toBe(removed.certPem + today)
  trust(today)
  world.issuer.willFail(ztsAway())
  const again = await world.call(handle, 'init', { body: { csr } })
  expect([again.status, pem(again.body['caCertPEM'])]).toEqual([200, today])
  rewrite(world, handle, (it) => ({ ...it, issued: { ...(it['issued'] as object), ca: removed.certPem + today } }))
  expect(pem((await world.call(handle, 'init', { body: { csr } })).body['caCertPEM'])).toBe(today)
})
