import { nodeKey } from '@pallas/x509/testing'
import { readCsr } from '@pallas/x509'
import { expect, test } from 'vitest'
import { SKEW_MS } from './certificate-check.ts'
import { base64, csrFor, kindsOf, NAMES, oneLivePod, serialOf } from './testing/one-pod.ts'
import type { World } from './testing/world.ts'

const HOUR = 3_600_000
const YEAR = 365 * 24 * HOUR

/** From now on the clock of ZTS is so far ahead of this host's. */
function ztsIsAhead(world: World, ms: number): void {
  world.issuer.will(async ({ request }, honest) => {
    const { spki } = readCsr(request.csr)
    const { certPem } = await world.issuer.ca.issue({ ...NAMES, key: spki, notBefore: world.clock.now() + ms, lifeMs: 24 * HOUR })
    return { ...(await honest()), x509Certificate: certPem }
  })
}

test.each([
  ['a second', 1_000, 200],
  ['five minutes', SKEW_MS, 200],
  ['five minutes and a second', SKEW_MS + 1_000, 503],
  ['an hour', HOUR, 503],
  ['two years', 2 * YEAR, 503],
] as const)('a certificate of a ZTS that is %s ahead is taken up to five minutes (T31)', async (_name, ms, status) => {
  const { world, handle } = await oneLivePod()
  await using _world = world
  ztsIsAhead(world, ms)
  const reply = await world.call(handle, 'init', { body: { csr: await csrFor(nodeKey()) } })
  expect([reply.status, reply.body['code']]).toEqual([status, status === 200 ? undefined : 'UPSTREAM_INVALID_CERT'])
})

test('what is taken from a clock ahead is not valid early: until its time it is shown to nobody (T31)', async () => {
  const { world, handle } = await oneLivePod()
  await using _world = world
  ztsIsAhead(world, 4 * 60_000)
  const key = nodeKey()
  const { certPem, serial } = await world.issuer.ca.issue({ ...NAMES, key: key.spki, notBefore: world.clock.now() + 4 * 60_000 })
  world.issuer.will(async (_call, honest) => ({ ...(await honest()), x509Certificate: certPem }))
  const first = await world.call(handle, 'init', { body: { csr: await csrFor(key) } })
  expect([first.status, serialOf(first)]).toEqual([200, serial])
  world.issuer.will((_call, honest) => honest())
  const body = { keyPEM: base64(key.pem), certPEM: base64(certPem) }
  expect((await world.call(handle, 'refresh', { body })).status).toBe(200)
  expect(await world.metrics.value('lineage_stale_total', { why: 'not-ours' })).toBe(1)
  expect(kindsOf(world)).toEqual(['register', 'register'])
})

test.each([
  ['back by an hour', -HOUR],
  ['back by two years', -2 * YEAR],
  ['on by an hour', HOUR],
  ['on by two years', 2 * YEAR],
] as const)('a clock that jumps %s and is put right stops nothing for good (T31)', async (_name, ms) => {
  const { world, handle } = await oneLivePod()
  await using _world = world
  const now = world.clock.now()
  const { ca } = world.issuer
  // ZTS goes by the right time, whatever happens here.
  world.issuer.will(async ({ request }, honest) => {
    const { certPem } = await ca.issue({ ...NAMES, key: readCsr(request.csr).spki, notBefore: now, lifeMs: 24 * HOUR })
    return { ...(await honest()), x509Certificate: certPem }
  })
  const csr = await csrFor(nodeKey())
  expect((await world.call(handle, 'init', { body: { csr } })).status).toBe(200)
  world.clock.jump(ms)
  const meanwhile = await world.call(handle, 'init', { body: { csr } })
  if (ms !== HOUR) expect(meanwhile).toMatchObject({ status: 503, body: { code: 'UPSTREAM_INVALID_CERT' } })
  expect((await world.call(handle, 'names')).status).toBe(200)
  world.clock.jump(-ms)
  expect((await world.call(handle, 'init', { body: { csr } })).status).toBe(200)
})

test('how far the clock of ZTS is from ours is a metric, and told once where it matters (T31)', async () => {
  const { world } = await oneLivePod()
  await using _world = world
  const lines = () => world.memory.records.filter(({ msg }) => msg === 'the clocks differ')
  world.events.ztsTold(world.clock.now() + 29_000)
  expect([await world.metrics.value('clock_skew_seconds'), lines().length]).toEqual([29, 0])
  for (let n = 0; n < 5; n++) world.events.ztsTold(world.clock.now() - 300_000)
  expect(await world.metrics.value('clock_skew_seconds')).toBe(-300)
  expect(lines()).toMatchObject([{ level: 'warn', problem: 'zts is 300 s behind this host' }])
  await world.clock.advance(60_000)
  world.events.ztsTold(world.clock.now() + 31_000)
  expect(lines()[1]).toMatchObject({ problem: 'zts is 31 s ahead of this host' })
})
