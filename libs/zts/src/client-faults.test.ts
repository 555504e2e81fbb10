import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { setDefaultCACertificates, getCACertificates } from 'node:tls'
import { systemClock } from '@pallas/runtime'
import { createCsr, readCertificate, sameBytes } from '@pallas/x509'
import { nodeKey, TestCa } from '@pallas/x509/testing'
import { describe, expect, test } from 'vitest'
import { createZtsClient } from './client.ts'
import { instanceOf, registration } from './testing/contract-world.ts'
import { openEmbedded } from './testing/open-embedded.ts'

const common = { timeoutMs: 5_000, userAgent: 'SIA-k8s.identity 1', clock: systemClock, roots: () => '' }
const asked = { provider: 'k8s.identity', domain: 'shop', service: 'cart', attestationData: 'document', csr: 'csr' }
const LATE = { code: 'ZTS_UNREACHABLE', retryable: true, message: 'zts did not answer in time' }

describe('a ZTS in trouble', () => {
  test.each([429, 503, 504] as const)('%d is busy, for as many seconds as it says (T33)', async (status) => {
    await using it = await openEmbedded()
    it.server.faults.busy(status, { seconds: 17 })
    const refused = it.zts.register(await registration(it))
    await expect(refused).rejects.toMatchObject({ code: 'ZTS_BUSY', status, retryAfterMs: 17_000 })
    it.server.faults.reset()
    await it.zts.register(await registration(it))
  })

  test('one that is busy until a date is busy for as long as that is away (T33)', async () => {
    await using it = await openEmbedded()
    const at = 1_898_467_200_000
    await using zts = createZtsClient({
      ...common,
      endpoint: it.server.url,
      roots: () => it.roots,
      clock: { now: () => at - 90_000 },
    })
    it.server.faults.busy(503, { at })
    await expect(zts.register(await registration(it))).rejects.toMatchObject({ code: 'ZTS_BUSY', retryAfterMs: 90_000 })
    it.server.faults.busy(503, { at: at - 3_600_000 })
    await expect(zts.register(await registration(it))).rejects.toMatchObject({ retryAfterMs: 0 })
    it.server.faults.busy(503, { at: at + 3_600_000 * 24 })
    await expect(zts.register(await registration(it))).rejects.toMatchObject({ retryAfterMs: 3_600_000 })
  })

  test.each(['86400', '999999999'])('a wish to wait for %s seconds is taken for an hour (T33)', async (seconds) => {
    await using it = await openEmbedded()
    it.server.faults.busy(503, seconds)
    await expect(it.zts.register(await registration(it))).rejects.toMatchObject({ retryAfterMs: 3_600_000 })
  })

  test.each(['soon', '-5', '', '1e3'])('a Retry-After of "%s" says nothing (T33)', async (header) => {
    await using it = await openEmbedded()
    it.server.faults.busy(503, header)
    const refused = it.zts.register(await registration(it))
    await expect(refused).rejects.toMatchObject({ code: 'ZTS_BUSY', retryAfterMs: undefined })
  })

  test('one that is away is unreachable, and reachable again when it is back (T33)', async () => {
    await using it = await openEmbedded()
    it.server.faults.away()
    const unreachable = { code: 'ZTS_UNREACHABLE', retryable: true, status: undefined }
    await expect(it.zts.register(await registration(it))).rejects.toMatchObject(unreachable)
    it.server.faults.reset()
    await it.zts.register(await registration(it))
    it.server.faults.away()
    await expect(it.zts.register(await registration(it))).rejects.toMatchObject(unreachable)
  })

  test('one that nobody listens for is unreachable', async () => {
    await using zts = createZtsClient({ ...common, endpoint: new URL('https://127.0.0.1:1/zts/v1') })
    await expect(zts.register(asked)).rejects.toMatchObject({ code: 'ZTS_UNREACHABLE' })
  })

  test('one that does not answer in time is unreachable (W22, T33)', async () => {
    await using it = await openEmbedded({ timeoutMs: 150 })
    it.server.faults.slow(60_000)
    await expect(it.zts.register(await registration(it))).rejects.toMatchObject(LATE)
  })

  test('one that sends byte by byte has the deadline of the whole call, not one per byte (T33)', async () => {
    await using it = await openEmbedded({ timeoutMs: 400 })
    const { first, refresh } = await instanceOf(it)
    it.server.faults.slowLoris(20)
    await expect(it.zts.register(await registration(it, { instanceId: 'pod-2' }))).rejects.toMatchObject(LATE)
    await expect(refresh(first)).rejects.toMatchObject(LATE)
    expect(it.server.calls().at(-1)).toMatchObject({ operation: 'refresh', status: 200 })
  })

  test.each([
    ['never greets', ''],
    ['stops in the middle of its answer', 'HTTP/1.1 201 Created\r\ncontent-length: 100\r\n\r\n{"x'],
  ])('one that %s is unreachable (W22, T33)', async (_name, said) => {
    const server = createTcpServer((socket) => {
      socket.on('error', () => undefined)
      socket.once('data', () => socket.write(said))
    })
    await using scope = new AsyncDisposableStack()
    scope.defer(() => void server.close())
    const listening = Promise.withResolvers<void>()
    server.listen(0, '127.0.0.1', listening.resolve)
    await listening.promise
    const { port } = server.address() as AddressInfo
    const protocol = said === '' ? 'https' : 'http'
    const endpoint = new URL(`${protocol}://127.0.0.1:${port}/zts/v1`)
    const zts = scope.use(createZtsClient({ ...common, endpoint, timeoutMs: 150 }))
    await expect(zts.register(asked)).rejects.toMatchObject(LATE)
    const pair = await (await TestCa.create()).issue({ commonName: 'shop.cart' })
    await expect(zts.refresh({ ...asked, instanceId: 'pod-1', credentials: pair })).rejects.toMatchObject(LATE)
  })

  test('one that resets after issuing is unreachable, and the lineage has moved on (W31, T33)', async () => {
    await using it = await openEmbedded()
    const { first, refresh } = await instanceOf(it)
    it.server.faults.resetAfterIssue()
    await expect(refresh(first)).rejects.toMatchObject({ code: 'ZTS_UNREACHABLE' })
    it.server.faults.reset()
    await refresh(first)
    expect(it.server.calls().map(({ status }) => status)).toEqual([201, undefined, 200])
  })

  test('one that answers 200 with a page is no ZTS (T33)', async () => {
    await using it = await openEmbedded()
    const { first, refresh } = await instanceOf(it)
    it.server.faults.html()
    const notZts = { code: 'ZTS_BAD_ANSWER', retryable: true, status: 200 }
    await expect(it.zts.register(await registration(it))).rejects.toMatchObject(notZts)
    await expect(refresh(first)).rejects.toMatchObject(notZts)
  })
})

test.each([-7_200_000, 0, 7_200_000])('each answer tells what time it is at ZTS, %d ms off (T31)', async (offset) => {
  await using it = await openEmbedded()
  const told: number[] = []
  const onTime = (time: number) => void told.push(time)
  await using zts = createZtsClient({ ...common, endpoint: it.server.url, roots: () => it.roots, onTime })
  it.server.faults.clockOffset(offset)
  const before = Date.now() + offset
  await zts.register(await registration(it))
  await expect(zts.register(await registration(it, { domain: 'nosuch' }))).rejects.toMatchObject({ status: 404 })
  expect(told).toHaveLength(2)
  for (const time of told) {
    expect(time).toBeGreaterThanOrEqual(before - 1_000)
    expect(time).toBeLessThanOrEqual(Date.now() + offset)
  }
})

test('a key that ZTS does not know yet is refused, and taken once it is replicated (T48)', async () => {
  await using it = await openEmbedded()
  const { domain, service, key, token } = it.owner
  const csr = await createCsr({ commonName: `${domain}.${service}`, dns: [], ip: [], uri: [] }, key)
  const request = { domain, service, csr, expiryMinutes: 60, token: await token() }
  it.server.faults.keyNotReplicated(`${domain}.${service}`, 'v1')
  await expect(it.zts.refreshService(request)).rejects.toMatchObject({ code: 'ZTS_REFUSED', status: 401 })
  it.server.faults.reset()
  expect(await it.zts.refreshService(request)).toMatchObject({ certificate: expect.any(String) as string })
})

describe('what comes behind an answer belongs to no other', () => {
  const CALLS = 24

  test.each([
    ['the answer again', (it) => it.server.faults.answerTwice()],
    ['bytes of no sense', (it) => it.server.faults.bytesAfterAnswer('\0\r\n\r\nHTTP')],
    ['the answer to a call that nobody made', (it) => it.server.faults.bytesAfterAnswer(SMUGGLED)],
  ] satisfies [string, (it: Awaited<ReturnType<typeof openEmbedded>>) => void][])(
    'with %s behind each answer every caller gets its own certificate or none (T33)',
    async (_name, fault) => {
      await using it = await openEmbedded()
      fault(it)
      const calls = Array.from({ length: CALLS }, async (_, at) => {
        const key = nodeKey()
        const request = await registration(it, { key, instanceId: `pod-${at}` })
        const { x509Certificate, instanceId } = await it.zts.register(request)
        return { key, instanceId, expected: `pod-${at}`, spki: readCertificate(x509Certificate).spki }
      })
      const settled = await Promise.allSettled(calls)
      const answered = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
      expect(answered.length).toBeGreaterThan(0)
      for (const { key, spki, instanceId, expected } of answered) {
        expect([instanceId, sameBytes(spki, key.spki)]).toEqual([expected, true])
      }
    },
  )

  test('a refresh whose answer comes twice has moved the lineage on once (T33)', async () => {
    await using it = await openEmbedded()
    const { first, refresh, name } = await instanceOf(it)
    it.server.faults.answerTwice()
    const second = await refresh(first)
    const [previous, current] = [first, second].map((it) => readCertificate(it.x509Certificate).serial)
    expect(it.server.records.get(name)).toEqual({ current, previous })
    it.server.faults.reset()
    await refresh(second)
  })
})

const SMUGGLED = 'HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}'

describe('whom the client takes for ZTS', () => {
  test('nobody whom other roots vouch for', async () => {
    await using it = await openEmbedded()
    const other = await TestCa.create({ name: 'others' })
    await using zts = createZtsClient({ ...common, endpoint: it.server.url, roots: () => other.certPem })
    await expect(zts.register(await registration(it))).rejects.toMatchObject({ code: 'ZTS_UNREACHABLE' })
    const { first, name, key } = await instanceOf(it)
    const credentials = { keyPem: key.pem, certPem: first.x509Certificate }
    await expect(zts.refresh({ ...name, csr: '', credentials })).rejects.toMatchObject({ code: 'ZTS_UNREACHABLE' })
    expect(it.server.calls()).toHaveLength(1)
  })

  test('whom the roots of the moment vouch for; connections made under older ones are left (W32, T32)', async () => {
    await using it = await openEmbedded()
    const other = await TestCa.create({ name: 'others' })
    let roots = other.certPem
    await using zts = createZtsClient({ ...common, endpoint: it.server.url, roots: () => roots })
    await expect(zts.register(await registration(it))).rejects.toMatchObject({ code: 'ZTS_UNREACHABLE' })
    roots = other.certPem + it.roots
    await zts.register(await registration(it))
    roots = other.certPem
    await expect(zts.register(await registration(it))).rejects.toMatchObject({ code: 'ZTS_UNREACHABLE' })
    roots = it.roots
    await zts.register(await registration(it))
  })

  test.each(['', '\n', 'no certificate'])('nobody for roots of %j, though the machine would (W24)', async (roots) => {
    await using it = await openEmbedded()
    const before = getCACertificates('default')
    setDefaultCACertificates([it.roots])
    await using scope = new AsyncDisposableStack()
    scope.defer(() => setDefaultCACertificates(before))
    const zts = scope.use(createZtsClient({ ...common, endpoint: it.server.url, roots: () => roots }))
    await expect(zts.register(await registration(it))).rejects.toMatchObject({ code: 'ZTS_UNREACHABLE' })
    const credentials = await it.ca.issue({ commonName: 'shop.cart' })
    const refreshed = zts.refresh({ ...asked, instanceId: 'pod-1', credentials })
    await expect(refreshed).rejects.toMatchObject({ code: 'ZTS_UNREACHABLE' })
    expect(it.server.calls()).toEqual([])
  })
})
