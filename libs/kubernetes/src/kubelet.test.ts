import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { FakeClock } from '@pallas/host/testing'
import { aPod } from '@pallas/identity/testing'
import { expect, test } from 'vitest'
import { createKubelet, type KubeletOptions } from './kubelet.ts'
import { describeKubelet, type KubeletUnderTest } from './testing/contract.ts'
import { startFakeKubelet } from './testing/fake-kubelet.ts'
import { loopbackCredentials } from './testing/loopback-credentials.ts'
import { podObjectOf } from './testing/pod-objects.ts'
import { serveHttps } from './testing/serve-https.ts'

const credentials = await loopbackCredentials(['node-1'])
const pods = [aPod(), aPod({ name: 'web-1', uid: '4f14e5f4-0d7c-4c58-9c3a-2a7f6a1f0c12' })]
const trust = { ca: credentials.caPem }
const readerToken = () => Promise.resolve('reader')

async function openUnderTest(): Promise<KubeletUnderTest> {
  await using scope = new AsyncDisposableStack()
  const fake = scope.use(
    await startFakeKubelet({ serverCredentials: credentials, readers: ['reader'], others: ['other'], pods }),
  )
  const parts = scope.move()
  return {
    kubelet: (as, timeoutMs = 2_000) => {
      const token = () => Promise.resolve(as)
      return parts.use(createKubelet({ url: new URL(fake.url), token, trust, clock: new FakeClock(), timeoutMs }))
    },
    uids: pods.map(({ uid }) => uid),
    hang: () => fake.hang(true),
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  }
}

describeKubelet('the fake kubelet', openUnderTest)

async function openKubelet(options: Partial<KubeletOptions> = {}) {
  await using scope = new AsyncDisposableStack()
  const clock = new FakeClock()
  const fake = scope.use(await startFakeKubelet({ serverCredentials: credentials, readers: ['reader'], pods }))
  const given = { url: new URL(fake.url), token: readerToken, trust, clock, timeoutMs: 2_000 }
  const kubelet = scope.use(createKubelet({ ...given, ...options }))
  const parts = scope.move()
  return { clock, fake, kubelet, [Symbol.asyncDispose]: () => parts.disposeAsync() }
}

test('many who ask at once share one call (T37, W22)', async () => {
  await using it = await openKubelet()
  const answers = await Promise.all(Array.from({ length: 110 }, () => it.kubelet.pods()))
  expect(answers.every((answer) => answer === answers[0])).toBe(true)
  expect(it.fake.calls()).toBe(1)
})

test('there is at most one call per window of 500 ms, and a new one shows what changed (T37)', async () => {
  await using it = await openKubelet()
  await it.kubelet.pods()
  it.fake.setPods([])
  await it.clock.advance(499)
  expect(await it.kubelet.pods()).toHaveLength(2)
  await it.clock.advance(1)
  expect(await it.kubelet.pods()).toEqual([])
  expect(it.fake.calls()).toBe(2)
})

test('a failure is shared in its window too, and forgotten after it', async () => {
  let token = 'wrong'
  await using it = await openKubelet({ token: () => Promise.resolve(token) })
  await expect(it.kubelet.pods()).rejects.toMatchObject({ code: 'KUBE_UNAUTHORIZED' })
  token = 'reader'
  await expect(it.kubelet.pods()).rejects.toMatchObject({ code: 'KUBE_UNAUTHORIZED' })
  expect(it.fake.calls()).toBe(1)
  await it.clock.advance(500)
  expect(await it.kubelet.pods()).toHaveLength(2)
})

test('one who leaves does not take the call from the others', async () => {
  await using it = await openKubelet()
  const stop = new AbortController()
  const left = it.kubelet.pods(stop.signal)
  const stayed = it.kubelet.pods()
  const why = new Error('left')
  stop.abort(why)
  await expect(left).rejects.toBe(why)
  expect(await stayed).toHaveLength(2)
  expect(it.fake.calls()).toBe(1)
})

test('a kubelet that hangs is asked by one call at a time (T37)', async () => {
  await using it = await openKubelet({ timeoutMs: 150 })
  it.fake.hang(true)
  const first = it.kubelet.pods()
  await it.clock.advance(10_000)
  const later = [it.kubelet.pods(), it.kubelet.pods()]
  await expect(first).rejects.toMatchObject({ code: 'KUBE_TIMEOUT' })
  expect(it.fake.calls()).toBe(1)
  for (const one of later) await expect(one).rejects.toMatchObject({ code: 'KUBE_TIMEOUT' })
  expect(it.fake.calls()).toBe(2)
})

test('who asks while an older call is under way is told what is so after it, not what was so before (T37)', async () => {
  const arrived = Promise.withResolvers<ServerResponse>()
  const lists = [[pods[0]], pods].map((some) => JSON.stringify({ kind: 'PodList', items: some.map((pod) => podObjectOf(pod ?? aPod())) }))
  await using server = await serveHttps(credentials, (_request, response) =>
    lists.length === 2 ? arrived.resolve(response) : response.end(lists[0]),
  )
  const clock = new FakeClock()
  await using kubelet = createKubelet({ url: new URL(server.url), token: readerToken, trust, clock, timeoutMs: 2_000 })
  const first = kubelet.pods()
  const response = await arrived.promise
  await clock.advance(500)
  const later = kubelet.pods()
  response.end(lists.shift())
  expect([await first, await later]).toEqual([[pods[0]], pods])
})

test('its certificate may be judged by another name than the address, and by nothing on loopback (W20)', async () => {
  await using named = await openKubelet({ trust: { ...trust, serverName: 'node-1' } })
  expect(await named.kubelet.pods()).toHaveLength(2)
  await using wrong = await openKubelet({ trust: { ...trust, serverName: 'node-2' } })
  await expect(wrong.kubelet.pods()).rejects.toMatchObject({ code: 'KUBE_UNREACHABLE' })
  const other = await loopbackCredentials()
  await using foreign = await openKubelet({ trust: { ca: other.caPem } })
  await expect(foreign.kubelet.pods()).rejects.toMatchObject({ code: 'KUBE_UNREACHABLE' })
  await using blind = await openKubelet({ trust: { insecureLoopback: true } })
  expect(await blind.kubelet.pods()).toHaveLength(2)
})

test.each([
  'https://10.0.0.1:10250',
  'https://node-1:10250',
  'https://localhost.example:10250',
  'https://127.0.0.1.example/',
])('a kubelet at %s is never trusted blindly (W20)', (url) => {
  const make = () =>
    createKubelet({ url: new URL(url), token: readerToken, trust: { insecureLoopback: true }, clock: new FakeClock() })
  expect(make).toThrow(expect.objectContaining({ code: 'KUBE_INVALID' }))
})

test.each([
  ['http', 'http://127.0.0.1:10255', trust],
  ['http without a look at the certificate', 'http://127.0.0.1:10255', { insecureLoopback: true as const }],
  ['the read-only port by https', 'https://127.0.0.1:10250', { plain: true as const }],
])('a kubelet is not spoken to over %s (W20)', (_name, at, by) => {
  const make = () => createKubelet({ url: new URL(at), token: readerToken, trust: by, clock: new FakeClock() })
  expect(make).toThrow(expect.objectContaining({ code: 'KUBE_INVALID' }))
})

test('who says so may ask the read-only port, and no token goes there (W20)', async () => {
  const list = JSON.stringify({ kind: 'PodList', items: pods.map((pod) => podObjectOf(pod)) })
  const seen: unknown[] = []
  await using server = createServer((request, response) => {
    seen.push([request.url, request.headers.authorization])
    response.end(list)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  const url = new URL(`http://127.0.0.1:${port}`)
  await using kubelet = createKubelet({ url, token: readerToken, trust: { plain: true }, clock: new FakeClock() })
  expect(await kubelet.pods()).toEqual(pods)
  expect(seen).toEqual([['/pods', undefined]])
})

test.each([
  ['a body that is no json', '{'],
  ['another kind', '{"kind":"NodeList","items":[]}'],
  ['a list with nothing that is a pod', '{"kind":"PodList","items":[{}]}'],
])('%s is a bad answer', async (_name, body) => {
  await using server = await serveHttps(credentials, (_request, response) => response.end(body))
  const options = { token: readerToken, trust, clock: new FakeClock() }
  await using kubelet = createKubelet({ url: new URL(server.url), ...options })
  await expect(kubelet.pods()).rejects.toMatchObject({ code: 'KUBE_BAD_ANSWER' })
})

test('one pod that cannot be read costs the others nothing, and is told', async () => {
  const item = { metadata: { namespace: 'media', name: 'odd', uid: 'u-1' }, spec: { hostNetwork: 'yes' } }
  const items = [...pods.map((pod) => podObjectOf(pod)), item]
  const list = JSON.stringify({ kind: 'PodList', items })
  await using server = await serveHttps(credentials, (_request, response) => response.end(list))
  const told: string[] = []
  const options = { token: readerToken, trust, clock: new FakeClock() }
  const onMalformed = (_error: unknown, pod: string) => void told.push(pod)
  await using kubelet = createKubelet({ url: new URL(server.url), ...options, onMalformed })
  expect(await kubelet.pods()).toEqual(pods)
  expect(told).toEqual(['media/odd'])
})

test('pods of one tenant, however long what stands in them, hide nobody else from the node (T38)', async () => {
  const odd = { metadata: { name: 'n-0', namespace: 'noisy', uid: 'u' }, spec: { command: 'LONG' } }
  const long = JSON.stringify(odd).replace('LONG', '\\u003c'.repeat(1_400_000))
  await using server = await serveHttps(credentials, (_request, response) => {
    response.write(`{"kind":"PodList","items":[${JSON.stringify(podObjectOf(pods[0] ?? aPod()))}`)
    for (let n = 0; n < 8; n++) response.write(`,${long}`)
    response.end(`,${JSON.stringify(podObjectOf(pods[1] ?? aPod()))}]}`)
  })
  const told: string[] = []
  const onMalformed = (_error: unknown, pod: string) => void told.push(pod)
  const options = { token: readerToken, trust, clock: new FakeClock(), timeoutMs: 20_000, onMalformed }
  await using kubelet = createKubelet({ url: new URL(server.url), ...options })
  expect(await kubelet.pods()).toEqual(pods)
  expect(told).toEqual(Array.from({ length: 8 }, () => 'noisy/n-0'))
})
