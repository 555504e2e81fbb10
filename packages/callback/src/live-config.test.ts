/** The cluster's configuration changes while the callback runs and ZTS asks. */
import { systemClock } from '@pallas/runtime'
import { TestCa } from '@pallas/x509/testing'
import { expect, test } from 'vitest'
import { claimsFor, es256 } from './testing/documents.ts'
import { openWorld, PROVIDER, type RunningCallback, type World, ZTS_NAME } from './testing/world.ts'
import { ask, confirmationOf } from './testing/zts-like.ts'

const REPLACED = 'tls files replaced'

const countOf = ({ log }: RunningCallback, message: string) => log.records.filter(({ msg }) => msg === message).length

async function confirm(world: World, { url }: RunningCallback, by: TestCa, ca: string, uri = 'spiffe://media.on-air/sa/web') {
  const pair = await by.issue({ commonName: ZTS_NAME })
  const document = es256(world.signing.privateKey, claimsFor(systemClock.now(), world.pod))
  return ask('/instance', confirmationOf(world.pod, document, { sanURI: uri }), { url, ca, pair })
}

test('a root is replaced in order without a restart and without one failed handshake (T32, W32, W37)', async () => {
  await using world = await openWorld()
  const callback = await world.start()
  const [nextAthenz, nextServices] = [await TestCa.create({ name: 'next a' }), await TestCa.create({ name: 'next s' })]
  const trusted = world.services.certPem + nextServices.certPem
  let zts = world.athenz
  const stop = new AbortController()
  const statuses: number[] = []
  const asking = Promise.all(Array.from({ length: 3 }, async () => {
    while (!stop.signal.aborted) statuses.push((await confirm(world, callback, zts, trusted)).status)
  }))
  const someMore = () => expect.poll(() => statuses.length, { timeout: 20_000 }).toBeGreaterThan(statuses.length + 6)
  const replaced = (times: number) => expect.poll(() => countOf(callback, REPLACED), { timeout: 5_000 }).toBe(times)

  await someMore()
  await world.configure({ athenz: world.athenz.certPem + nextAthenz.certPem })
  await replaced(1)
  zts = nextAthenz
  await world.tls.replace(await nextServices.issue({ commonName: PROVIDER, dns: ['localhost'] }))
  await replaced(2)
  await someMore()
  await world.configure({ athenz: nextAthenz.certPem })
  await replaced(3)
  await someMore()
  stop.abort()
  await asking
  expect(new Set(statuses)).toEqual(new Set([200]))
  expect(await callback.metrics.value('tls_handshake_failures_total')).toBe(0)
  await expect(confirm(world, callback, world.athenz, trusted)).rejects.toThrow()
})

test('the form of uris is that of the configuration as it is now (W37)', async () => {
  await using world = await openWorld()
  const callback = await world.start()
  const other = `spiffe://athenz.io/ns/${world.pod.namespace}/sa/media.on-air.web`
  const asked = async () => (await confirm(world, callback, world.athenz, world.services.certPem, other)).status
  expect(await asked()).toBe(403)
  await world.configure({}, 'spiffe-form: trust-domain')
  await expect.poll(() => countOf(callback, 'configuration replaced'), { timeout: 5_000 }).toBe(1)
  expect(await asked()).toBe(200)
})

test('roots with which a pod could pass for zts are not taken, and told', async () => {
  await using world = await openWorld()
  const callback = await world.start('--zts-name', 'media.on-air.zts')
  await world.configure({ athenz: world.athenz.certPem + world.services.certPem })
  const message = 'new configuration cannot be used, keeping the old'
  await expect.poll(() => countOf(callback, message), { timeout: 5_000 }).toBe(1)
  expect(await callback.metrics.value('config_unusable')).toBe(1)
  const pair = await world.services.issue({ commonName: 'media.on-air.zts' })
  await expect(ask('/instance', {}, { url: callback.url, ca: world.services.certPem, pair })).rejects.toThrow()
})

test('a key that counts only after a restart is named (W37)', async () => {
  await using world = await openWorld()
  const callback = await world.start()
  await world.configure({}, 'auth-header: X-Other')
  await expect.poll(() => callback.metrics.value('config_restart_needed'), { timeout: 5_000 }).toBe(1)
  expect(callback.log.records).toContainEqual(expect.objectContaining({ level: 'warn', problems: ['auth-header'] }))
})
