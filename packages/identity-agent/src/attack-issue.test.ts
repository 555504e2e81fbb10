import { existsSync } from 'node:fs'
import { readCertificate, readCsr } from '@pallas/x509'
import { nodeKey, TestCa } from '@pallas/x509/testing'
import { expect, test } from 'vitest'
import type { Reply } from './testing/call.ts'
import { contextOf, csrFor, kindsOf, NAMES, oneLivePod, pem, POD, serialOf, waitUntil } from './testing/one-pod.ts'

const HOUR = 3_600_000

test('whatever ZTS sends must be what was asked for (T16)', async () => {
  const { world, handle } = await oneLivePod()
  await using _world = world
  const { issuer } = world
  const now = world.clock.now()
  const stranger = await TestCa.create({ name: 'stranger', now })
  const issueWith = async (ca: TestCa, csr: string, other: Partial<Parameters<TestCa['issue']>[0]> = {}) => {
    return (await ca.issue({ ...NAMES, key: readCsr(csr).spki, notBefore: now, ...other })).certPem
  }
  const twisted: readonly (readonly [string, (csr: string) => Promise<string>])[] = [
    ['another key', (csr) => issueWith(issuer.ca, csr, { key: nodeKey().spki })],
    ['a stranger signed it', (csr) => issueWith(stranger, csr)],
    ['another name', (csr) => issueWith(issuer.ca, csr, { commonName: 'media.on-air.api' })],
    ['one DNS name more', (csr) => issueWith(issuer.ca, csr, { dns: [...NAMES.dns, 'x.example'] })],
    ['one IP address less', (csr) => issueWith(issuer.ca, csr, { ip: [] })],
    ['another URI', (csr) => issueWith(issuer.ca, csr, { uri: ['spiffe://other/sa/web'] })],
    ['an address of mail', (csr) => issueWith(issuer.ca, csr, { email: ['a@b.example'] })],
    ['a CA', (csr) => issueWith(issuer.ca, csr, { isCa: true })],
    ['expired', (csr) => issueWith(issuer.ca, csr, { notBefore: now - 2 * HOUR, lifeMs: HOUR })],
    ['an hour ahead', (csr) => issueWith(issuer.ca, csr, { notBefore: now + HOUR })],
    ['no certificate', async () => 'hello'],
    ['a stranger with its own root', async (csr) => (await issueWith(stranger, csr)) + stranger.certPem],
  ]
  for (const [name, make] of twisted) {
    issuer.will(async ({ request }, honest) => ({ ...(await honest()), x509Certificate: await make(request.csr) }))
    const reply = await world.call(handle, 'init')
    expect([name, reply.status, reply.body['code']]).toEqual([name, 503, 'UPSTREAM_INVALID_CERT'])
    expect(Number(reply.headers['retry-after'])).toBeGreaterThan(0)
  }
  expect(existsSync(world.pathsOf(handle).context)).toBe(false)
})

test('a root that came with the answer is not trusted, an intermediate is used (T16)', async () => {
  const { world, handle } = await oneLivePod()
  await using _world = world
  const now = world.clock.now()
  const stranger = await TestCa.create({ name: 'stranger', now })
  const below = await TestCa.create({ name: 'below', issuer: world.issuer.ca })
  const answerBy = (ca: TestCa, signer: string) =>
    world.issuer.will(async ({ request }, honest) => {
      const { certPem } = await ca.sign(request.csr, { lifeMs: HOUR, notBefore: now })
      return { ...(await honest()), x509Certificate: certPem, x509CertificateSigner: signer }
    })
  answerBy(stranger, stranger.certPem)
  expect(await world.call(handle, 'init')).toMatchObject({ status: 503, body: { code: 'UPSTREAM_INVALID_CERT' } })
  answerBy(below, below.certPem)
  expect((await world.call(handle, 'init')).status).toBe(200)
})

test('init again and again: each is a new certificate for the same instance, and too often is BUSY (T17, W21)', async () => {
  const { world, handle } = await oneLivePod()
  await using _world = world
  const first = await world.call(handle, 'init')
  await world.stopAgent()
  await world.startAgent()
  const second = await world.call(handle, 'init')
  expect([first.status, second.status]).toEqual([200, 200])
  expect(serialOf(first)).not.toBe(serialOf(second))
  expect(kindsOf(world)).toEqual(['register', 'register'])
  expect(contextOf(world, handle)).toMatchObject({ instanceId: POD.uid, serial: serialOf(second) })

  const replies: Reply[] = []
  for (let n = 0; n < 40; n++) replies.push(await world.call(handle, 'init'))
  const busy = replies.filter(({ status }) => status === 429)
  expect(busy.length).toBeGreaterThan(0)
  expect(busy[0]).toMatchObject({ body: { code: 'BUSY', retryAfter: 60 }, headers: { 'retry-after': '60' } })
  await world.clock.advance(60_000)
  expect((await world.call(handle, 'init')).status).toBe(200)
})

test('twenty inits with one key are one call of ZTS (T18, W21)', async () => {
  const { world, handle } = await oneLivePod()
  await using _world = world
  const csr = await csrFor(nodeKey())
  const release = world.issuer.hold()
  const replies = Array.from({ length: 20 }, () => world.call(handle, 'init', { body: { csr } }))
  await waitUntil(() => world.verified >= 20)
  await new Promise((resolve) => setImmediate(resolve))
  release()
  const answers = await Promise.all(replies)
  expect(new Set(answers.map(({ text }) => text)).size).toBe(1)
  expect(answers[0]?.status).toBe(200)
  expect(world.issuer.calls).toHaveLength(1)
})

test('inits with different keys are served one after another, each its own (T18, W21)', async () => {
  const { world, handle } = await oneLivePod()
  await using _world = world
  const keys = Array.from({ length: 10 }, () => nodeKey())
  const replies = await Promise.all(keys.map(async (key) => world.call(handle, 'init', { body: { csr: await csrFor(key) } })))
  expect(replies.map(({ status }) => status)).toEqual(keys.map(() => 200))
  expect(new Set(replies.map(serialOf)).size).toBe(10)
  expect(world.issuer.concurrency.get(POD.uid)).toBe(1)
  for (const [index, reply] of replies.entries()) {
    expect(Buffer.from(readCertificate(pem(reply.body['certPEM'])).spki)).toEqual(Buffer.from(keys[index]?.spki ?? []))
  }
})

test('refreshes with one pair in the original form never show ZTS a superseded certificate (T18)', async () => {
  const { world, handle } = await oneLivePod()
  await using _world = world
  const { keyPEM, certPEM } = (await world.call(handle, 'init')).body
  const replies = await Promise.all(Array.from({ length: 5 }, () => world.call(handle, 'refresh', { body: { keyPEM, certPEM } })))
  expect(replies.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200])
  expect(kindsOf(world)).toEqual(['register', 'refresh', 'register', 'register', 'register', 'register'])
  expect(world.issuer.currentSerial(POD.uid)).not.toBe('-1')
  expect(await world.metrics.value('lineage_stale_total', { why: 'old-serial' })).toBe(4)
})

