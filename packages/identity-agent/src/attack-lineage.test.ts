import { utimesSync, writeFileSync } from 'node:fs'
import type { Handle } from '@pallas/wire'
import { readCertificate } from '@pallas/x509'
import { nodeKey, TestCa } from '@pallas/x509/testing'
import { ZtsError } from '@pallas/zts'
import { expect, test } from 'vitest'
import type { Reply } from './testing/call.ts'
import { base64, contextOf, kindsOf, NAMES, oneLivePod, pem, POD } from './testing/one-pod.ts'

const HOUR = 3_600_000

test('pairs that are not the newest of this pod are registered anew, never shown to ZTS (T19)', async () => {
  const { world, handle } = await oneLivePod()
  await using _world = world
  const now = world.clock.now()
  const first = await world.call(handle, 'init')
  const { serial } = readCertificate(pem(first.body['certPEM']))
  const forger = await TestCa.create({ name: 'athenz ca', now })
  const other = await world.issuer.ca.issue({ ...NAMES, commonName: 'media.on-air.api', notBefore: now })
  const selfMade = await forger.issue({ ...NAMES, notBefore: now })
  const pairs: readonly (readonly [string, { certPem: string; keyPem: string }])[] = [
    ["another pod's pair", other],
    ['a self-made certificate with the right name', selfMade],
    ['an expired certificate', await world.issuer.ca.issue({ ...NAMES, notBefore: now - 2 * HOUR, lifeMs: HOUR })],
  ]
  for (const [name, { keyPem, certPem }] of pairs) {
    const body = { keyPEM: base64(keyPem), certPEM: base64(certPem) }
    expect([name, (await world.call(handle, 'refresh', { body })).status]).toEqual([name, 200])
  }
  expect(serial).not.toBe('')
  expect(new Set(kindsOf(world))).toEqual(new Set(['register']))
  expect(await world.metrics.value('lineage_stale_total')).toBe(pairs.length)
  expect(world.memory.records).toContainEqual(expect.objectContaining({ reason: 'LINEAGE_STALE', level: 'warn' }))
})

test('a forged certificate with the very serial on record is not shown to ZTS (T19)', async () => {
  const { world, handle } = await oneLivePod()
  await using _world = world
  const forger = await TestCa.create({ name: 'athenz ca', now: world.clock.now() })
  const forged = await forger.issue({ ...NAMES, notBefore: world.clock.now() })
  await world.call(handle, 'init')
  const { context } = world.pathsOf(handle)
  writeFileSync(context, JSON.stringify({ ...contextOf(world, handle), serial: forged.serial }))
  const body = { keyPEM: base64(forged.keyPem), certPEM: base64(forged.certPem) }
  expect((await world.call(handle, 'refresh', { body })).status).toBe(200)
  expect(kindsOf(world)).toEqual(['register', 'register'])
  expect(await world.metrics.value('lineage_stale_total', { why: 'not-ours' })).toBe(1)
})

test('a record of another instance, or one that is broken, counts as none (T19)', async () => {
  const { world, handle } = await oneLivePod()
  await using _world = world
  const { keyPEM, certPEM } = (await world.call(handle, 'init')).body
  const { context } = world.pathsOf(handle)
  writeFileSync(context, JSON.stringify({ ...contextOf(world, handle), instanceId: 'cccccccc-0d7c-4c58-9c3a-2a7f6a1f0c11' }))
  expect((await world.call(handle, 'refresh', { body: { keyPEM, certPEM } })).status).toBe(200)
  writeFileSync(context, '{')
  expect((await world.call(handle, 'refresh', { body: { keyPEM, certPEM } })).status).toBe(200)
  expect(kindsOf(world)).toEqual(['register', 'register', 'register'])
})

test('a pair that was the newest but has expired is registered anew (T19)', async () => {
  const { world, handle } = await oneLivePod()
  await using _world = world
  const { keyPEM, certPEM } = (await world.call(handle, 'init')).body
  world.clock.jump(25 * HOUR)
  expect((await world.call(handle, 'refresh', { body: { keyPEM, certPEM } })).status).toBe(200)
  expect(kindsOf(world)).toEqual(['register', 'register'])
  expect(await world.metrics.value('lineage_stale_total', { why: 'expired' })).toBe(1)
})

test('a pair that cannot be read, or does not belong together, is a bad request (W24)', async () => {
  const { world, handle } = await oneLivePod()
  await using _world = world
  const { keyPEM, certPEM } = (await world.call(handle, 'init')).body
  const stranger = base64(nodeKey().pem)
  for (const body of [
    { keyPEM: stranger, certPEM },
    { keyPEM: base64('hello'), certPEM },
    { keyPEM, certPEM: base64('hello') },
  ]) {
    expect(await world.call(handle, 'refresh', { body })).toMatchObject({ status: 400, body: { code: 'CREDENTIALS_INVALID' } })
  }
  expect(kindsOf(world)).toEqual(['register'])
})

test('a lineage that ZTS no longer knows is registered once, with a document of its own (T20)', async () => {
  const { world, handle } = await oneLivePod()
  await using _world = world
  const { keyPEM, certPEM } = (await world.call(handle, 'init')).body
  world.issuer.will((call, honest) =>
    call.kind === 'refresh' ? Promise.reject(new ZtsError('ZTS_REVOKED', 'revoked', { status: 403 })) : honest(),
  )
  expect((await world.call(handle, 'refresh', { body: { keyPEM, certPEM } })).status).toBe(200)
  expect(kindsOf(world)).toEqual(['register', 'refresh', 'register'])
  expect(new Set(world.issuer.calls.map(({ request }) => request.attestationData)).size).toBe(3)
})

const pairOf = ({ body: { keyPEM, certPEM } }: Reply) => ({ body: { keyPEM, certPEM } })

test('of a pod with two volumes the newest pair is one, whichever volume it came by (T19)', async () => {
  const { world, handle: a } = await oneLivePod()
  await using _world = world
  const b = world.addVolume(POD, 'second')
  await world.stopAgent()
  await world.startAgent()
  /** As if time went by between two issues, which here none does. */
  const age = (handle: Handle, seconds: number) => utimesSync(world.pathsOf(handle).context, seconds, seconds)
  const first = await world.call(a, 'init')
  age(a, 1)
  const second = await world.call(b, 'init')
  age(b, 2)
  const third = await world.call(a, 'refresh', pairOf(first))
  age(a, 3)
  expect(kindsOf(world)).toEqual(['register', 'register', 'register'])
  expect((await world.call(b, 'refresh', pairOf(second))).status).toBe(200)
  age(b, 4)
  expect((await world.call(a, 'refresh', pairOf(third))).status).toBe(200)
  age(a, 5)
  expect(kindsOf(world)).toEqual(Array.from({ length: 5 }, () => 'register'))
  const last = await world.call(b, 'init')
  age(b, 6)
  // The newest pair is the pod's, by whichever of its volumes it is shown.
  expect((await world.call(a, 'refresh', pairOf(last))).status).toBe(200)
  expect(kindsOf(world).at(-1)).toBe('refresh')
  // Of two records of one moment nobody can say which is newer.
  age(a, 7)
  age(b, 7)
  await world.call(b, 'refresh', pairOf(last))
  expect(kindsOf(world).at(-1)).toBe('register')
})
