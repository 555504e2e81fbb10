import { connect } from 'node:tls'
import { TestCa } from '@pallas/x509/testing'
import { describe, expect, test } from 'vitest'
import { askToken, callBy } from '../contract-call.ts'
import { instanceOf } from '../contract-world.ts'
import { openEmbedded } from '../open-embedded.ts'
import { readJws, readRoleToken } from '../published-keys.ts'
import { certificateIn, post } from './instances/raw-register.ts'
import { askRole, askRoleToken, pairOf, withReaders } from './roles/role-calls.ts'

const HOUR = 3_600_000

async function open() {
  const it = await openEmbedded()
  withReaders(it)
  return { ...it, pair: await pairOf(it) }
}

/** The three calls about roles, each as it should work. */
const ROLE_CALLS = [
  ['a role certificate', (it: Awaited<ReturnType<typeof open>>) => askRole(it, {}, { pair: it.pair })],
  ['an access token', (it) => askToken(it, { scope: 'shop:domain' }, { pair: it.pair })],
  ['a role token', (it) => askRoleToken(it, 'shop/token', { pair: it.pair })],
] satisfies [string, (it: Awaited<ReturnType<typeof open>>) => ReturnType<typeof callBy>][]

describe.each(ROLE_CALLS)('a fault holds for %s too', (_name, ask) => {
  test('busy, with a hint', async () => {
    await using it = await open()
    it.server.faults.busy(503, { at: 1_898_467_200_000 })
    const { status: busy, headers } = await ask(it)
    expect([busy, headers['retry-after']]).toEqual([503, 'Thu, 28 Feb 2030 00:00:00 GMT'])
    it.server.faults.reset()
    expect(await ask(it)).toMatchObject({ status: 200 })
  })

  test('a page, an absence, and a reset after it was issued', async () => {
    await using it = await open()
    it.server.faults.html()
    expect((await ask(it)).text).toContain('<html>')
    it.server.faults.reset()
    it.server.faults.resetAfterIssue()
    await expect(ask(it)).rejects.toThrow()
    expect(it.server.calls().at(-1)).toMatchObject({ status: undefined, domain: 'shop', principal: 'shop.web' })
    it.server.faults.away()
    await expect(ask(it)).rejects.toThrow()
  })
})

describe('a clock of its own', () => {
  test.each([-2 * HOUR, 2 * HOUR])('issues by it, %d ms off', async (offset) => {
    await using it = await open()
    const pair = await it.ca.issue({ commonName: 'shop.web', notBefore: Date.now() - 24 * HOUR, lifeMs: 48 * HOUR })
    it.server.faults.clockOffset(offset)
    const before = Date.now() + offset
    const { text } = await askToken(it, { scope: 'shop:domain' }, { pair })
    const { claims } = readJws((JSON.parse(text) as { access_token: string }).access_token, '{"keys":[]}')
    const { text: role } = await askRoleToken(it, 'shop/token', { pair })
    const { fields } = readRoleToken((JSON.parse(role) as { token: string }).token, '{"keys":[]}')
    const { notBefore } = certificateIn((await askRole(it, {}, { pair })).text)
    const issued = certificateIn((await post(it)).text).notBefore
    const after = Date.now() + offset
    for (const time of [Number(claims['iat']) * 1_000, Number(fields['t']) * 1_000, notBefore, issued]) {
      expect(time).toBeGreaterThanOrEqual(before - 1_000)
      expect(time).toBeLessThanOrEqual(after)
    }
  })

  test('takes the certificates that it issues, and those of another CA at no time', async () => {
    await using it = await open()
    for (const offset of [-30 * 24 * HOUR, 30 * 24 * HOUR]) {
      it.server.faults.clockOffset(offset)
      const { first, refresh } = await instanceOf(it, `pod-${offset}`)
      await refresh(first)
      const other = await TestCa.create({ name: 'services' })
      const life = { notBefore: Date.now() + offset - HOUR, lifeMs: 2 * HOUR }
      const pair = await other.issue({ commonName: 'shop.web', ...life })
      await expect(askRole(it, {}, { pair })).rejects.toThrow()
    }
  })

  test('judges tokens and certificates by it', async () => {
    await using it = await open()
    const token = await it.owner.token()
    const headers = { 'content-type': 'application/json', 'athenz-principal-auth': token }
    const withToken = async () => (await post(it, {}, { headers })).status
    expect(await withToken()).toBe(201)
    it.server.faults.clockOffset(-HOUR)
    expect(await withToken()).toBe(401)
    it.server.faults.clockOffset(2 * HOUR)
    expect(await withToken()).toBe(401)
    it.server.faults.clockOffset(48 * HOUR)
    await expect(askRole(it, {}, { pair: it.pair })).rejects.toThrow()
    it.server.faults.reset()
    expect(await withToken()).toBe(201)
  })
})

test('a key that is not replicated yet is unknown, until it is (T48)', async () => {
  await using it = await open()
  const headers = { 'content-type': 'application/json', 'athenz-principal-auth': await it.owner.token() }
  it.server.faults.keyNotReplicated('k8s.admin.callback', 'v1')
  expect((await post(it, {}, { headers })).status).toBe(401)
  it.server.faults.keyNotReplicated('k8s.admin.callback', 'v0')
  expect((await post(it, {}, { headers })).status).toBe(401)
  it.server.faults.reset()
  expect((await post(it, {}, { headers })).status).toBe(201)
})

test('no answer comes before the least time', async () => {
  await using it = await open()
  it.server.faults.atLeast(200)
  await callBy(it, '/status')
  const [call] = it.server.calls()
  expect(call?.durationMs).toBeGreaterThanOrEqual(199)
})

test('a slow answer comes whole, byte by byte', async () => {
  await using it = await open()
  it.server.faults.slowLoris(1)
  const { status: said, text, headers } = await callBy(it, '/status')
  expect([said, JSON.parse(text)]).toEqual([200, { code: 200, message: 'OK' }])
  expect(headers['strict-transport-security']).toBeDefined()
})

test('bytes behind an answer are there', async () => {
  await using it = await open()
  it.server.faults.answerTwice()
  const told = Promise.withResolvers<string>()
  const { hostname, port } = it.server.url
  const socket = connect({ host: hostname, port: Number(port), ca: it.server.caPem }, () => {
    socket.write('GET /zts/v1/status HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
  })
  let text = ''
  socket.on('data', (chunk: Buffer) => void (text += chunk.toString('utf8')))
  socket.once('close', () => told.resolve(text))
  expect((await told.promise).split('HTTP/1.1 200 OK')).toHaveLength(3)
})
