import type { RequestListener } from 'node:http'
import { type AddressInfo, createServer } from 'node:net'
import { TestCa } from '@pallas/x509/testing'
import { expect, test } from 'vitest'
import { createKubeApi, type KubeApiOptions } from './api.ts'
import { CONFIG_MAPS, pathOf } from './resources.ts'
import { loopbackCredentials } from './testing/loopback-credentials.ts'
import { serveHttps } from './testing/serve-https.ts'
import type { WatchEvent } from './watch-events.ts'

const PATH = pathOf(CONFIG_MAPS, { namespace: 'media', name: 'settings' })
const ANSWER = JSON.stringify({ metadata: { name: 'settings' } })
const credentials = await loopbackCredentials(['api.example'])
const sameToken = () => Promise.resolve('the-token')

async function openApi(handler: RequestListener, options: Partial<KubeApiOptions> = {}) {
  await using scope = new AsyncDisposableStack()
  const server = scope.use(await serveHttps(credentials, handler))
  const given = {
    server: new URL(server.url),
    ca: credentials.caPem,
    token: sameToken,
    timeoutMs: 2_000,
    maxBytes: 10_000,
  }
  const api = scope.use(createKubeApi({ ...given, ...options }))
  const parts = scope.move()
  return { api, server, [Symbol.asyncDispose]: () => parts.disposeAsync() }
}

async function collect(events: AsyncIterable<WatchEvent>): Promise<string[]> {
  const seen: string[] = []
  for await (const event of events) seen.push(event.resourceVersion)
  return seen
}

test('a call carries the token and asks for json', async () => {
  const seen: unknown[] = []
  await using it = await openApi(({ url, headers }, response) => {
    seen.push(url, headers.authorization, headers.accept)
    response.end(ANSWER)
  })
  expect(await it.api.get(PATH)).toEqual({ metadata: { name: 'settings' } })
  expect(seen).toEqual(['/api/v1/namespaces/media/configmaps/settings', 'Bearer the-token', 'application/json'])
})

test('a path in the server address is kept as prefix', async () => {
  const seen: unknown[] = []
  await using it = await openApi(({ url }, response) => {
    seen.push(url)
    response.end(ANSWER)
  })
  await using prefixed = createKubeApi({
    server: new URL('/k8s/c-1/', it.server.url),
    ca: credentials.caPem,
    token: sameToken,
  })
  await prefixed.get(PATH)
  expect(seen).toEqual(['/k8s/c-1/api/v1/namespaces/media/configmaps/settings'])
})

test.each([
  [401, 'KUBE_UNAUTHORIZED', false],
  [403, 'KUBE_FORBIDDEN', false],
  [404, 'KUBE_NOT_FOUND', false],
  [409, 'KUBE_CONFLICT', false],
  [410, 'KUBE_GONE', false],
  [422, 'KUBE_INVALID', false],
  [415, 'KUBE_INVALID', false],
  [429, 'KUBE_BUSY', true],
  [500, 'KUBE_BUSY', true],
  [503, 'KUBE_BUSY', true],
  [302, 'KUBE_BAD_ANSWER', false],
])('status %i without a Status object is %s', async (status, code, retryable) => {
  await using it = await openApi((_request, response) => response.writeHead(status).end('<html>'))
  await expect(it.api.get(PATH)).rejects.toMatchObject({ code, status, retryable })
})

test('the clock of the server is told with each answer, refusals too, where it says its time', async () => {
  const times: number[] = []
  const dates = ['Sat, 21 Nov 2026 19:15:07 GMT', 'soon']
  await using it = await openApi((_request, response) => response.writeHead(403, { date: dates.shift() }).end(), { onServerTime: (at) => void times.push(at) })
  for (let call = 0; call < 2; call++) await expect(it.api.get(PATH)).rejects.toMatchObject({ code: 'KUBE_FORBIDDEN' })
  expect(times).toEqual([Date.parse('2026-11-21T19:15:07Z')])
})

test('the wait that a busy server asks for is kept, and bounded', async () => {
  const waits = ['7', '999999', '0', 'soon']
  await using it = await openApi((_request, response) =>
    response.writeHead(503, { 'retry-after': waits.shift() }).end(),
  )
  for (const retryAfterMs of [7_000, 300_000, undefined, undefined]) {
    await expect(it.api.get(PATH)).rejects.toMatchObject({ code: 'KUBE_BUSY', retryAfterMs })
  }
})

test('a redirect is not followed, so that the token goes nowhere else', async () => {
  const elsewhere: string[] = []
  await using other = await serveHttps(credentials, ({ headers }, response) => {
    elsewhere.push(headers.authorization ?? '')
    response.end(ANSWER)
  })
  await using it = await openApi((_request, response) => response.writeHead(307, { location: other.url }).end())
  await expect(it.api.get(PATH)).rejects.toMatchObject({ code: 'KUBE_BAD_ANSWER', status: 307 })
  expect(elsewhere).toEqual([])
})

test.each([
  ['a body longer than the limit', 'x'.repeat(10_001)],
  ['a body that is no json', '{'],
  ['a body that is no object', '[]'],
  ['an object without metadata', '{"kind":"ConfigMap"}'],
  ['a body that is not utf-8', Buffer.from([0x22, 0xff, 0x22])],
])('%s is a bad answer', async (_name, body) => {
  await using it = await openApi((_request, response) => response.end(body))
  await expect(it.api.get(PATH)).rejects.toMatchObject({ code: 'KUBE_BAD_ANSWER', retryable: false })
})

test('a body without end is left at the limit, and the client serves the next call', async () => {
  let endless = true
  let closed = false
  await using it = await openApi((_request, response) => {
    if (!endless) return response.end(ANSWER)
    const pour = () => response.destroyed || response.write('x'.repeat(5_000), () => setImmediate(pour))
    response.on('close', () => {
      closed = true
    })
    return pour()
  })
  await expect(it.api.get(PATH)).rejects.toMatchObject({ code: 'KUBE_BAD_ANSWER' })
  endless = false
  expect(await it.api.get(PATH)).toBeDefined()
  expect(closed).toBe(true)
})

test.each([
  ['a server that never answers', () => undefined],
  ['a body that never ends', (response: { write(text: string): unknown }) => response.write('{')],
])('%s is a timeout', async (_name, answer) => {
  await using it = await openApi((_request, response) => void answer(response), { timeoutMs: 100 })
  await expect(it.api.get(PATH)).rejects.toMatchObject({ code: 'KUBE_TIMEOUT', retryable: true })
})

test('a body that drips is a timeout all the same', async () => {
  await using it = await openApi(
    (_request, response) => {
      const drip = setInterval(() => response.write(' '), 10)
      response.on('close', () => clearInterval(drip))
    },
    { timeoutMs: 150 },
  )
  await expect(it.api.get(PATH)).rejects.toMatchObject({ code: 'KUBE_TIMEOUT' })
})

test('a server that takes connections and never shakes hands is a timeout in the time of the call', async () => {
  const mute = createServer()
  await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve))
  const { port } = mute.address() as AddressInfo
  const server = new URL(`https://127.0.0.1:${port}`)
  await using api = createKubeApi({ server, ca: credentials.caPem, token: sameToken, timeoutMs: 150 })
  const start = performance.now()
  await expect(api.get(PATH)).rejects.toMatchObject({ code: 'KUBE_TIMEOUT' })
  expect(performance.now() - start).toBeLessThan(5_000)
  mute.close()
})

test('a call ends when its caller leaves, with the reason of the caller', async () => {
  const stop = new AbortController()
  const why = new Error('left')
  await using it = await openApi(() => stop.abort(why))
  await expect(it.api.get(PATH, stop.signal)).rejects.toBe(why)
})

test('a certificate by another authority is not trusted, and the token not sent to it', async () => {
  const called: string[] = []
  const other = await TestCa.create({ name: 'another ca' })
  await using it = await openApi(({ headers }) => called.push(headers.authorization ?? ''), { ca: other.certPem })
  await expect(it.api.get(PATH)).rejects.toMatchObject({ code: 'KUBE_UNREACHABLE' })
  expect(called).toEqual([])
})

test('a certificate must have the name that is expected', async () => {
  await using good = await openApi((_request, response) => response.end(ANSWER), { serverName: 'api.example' })
  expect(await good.api.get(PATH)).toBeDefined()
  await using bad = await openApi((_request, response) => response.end(ANSWER), { serverName: 'other.example' })
  await expect(bad.api.get(PATH)).rejects.toMatchObject({ code: 'KUBE_UNREACHABLE' })
})

test('a server that is not there is unreachable, and no error repeats the token', async () => {
  await using it = await openApi(() => undefined)
  await it.server[Symbol.asyncDispose]()
  const error: unknown = await it.api.get(PATH).catch((cause: unknown) => cause)
  expect(error).toMatchObject({ code: 'KUBE_UNREACHABLE', retryable: true })
  expect(JSON.stringify([error, String((error as Error).cause)])).not.toContain('the-token')
})

test('the api server is spoken to over https only', () => {
  const server = new URL('http://127.0.0.1:8080')
  expect(() => createKubeApi({ server, ca: '', token: sameToken })).toThrow(
    expect.objectContaining({ code: 'KUBE_INVALID' }),
  )
})

test('a watch that says nothing and does not end is stalled', async () => {
  await using it = await openApi((_request, response) => response.flushHeaders(), { watchGraceMs: 100 })
  const watching = collect(it.api.watch(PATH, { resourceVersion: '1', timeoutSeconds: 0 }))
  await expect(watching).rejects.toMatchObject({ code: 'KUBE_TIMEOUT' })
})

test('a watch that does not even begin is not waited for as long as a watch', async () => {
  await using it = await openApi(() => undefined, { timeoutMs: 100 })
  const watching = collect(it.api.watch(PATH, { resourceVersion: '1', timeoutSeconds: 600 }))
  await expect(watching).rejects.toMatchObject({ code: 'KUBE_TIMEOUT', retryable: true })
})

test('an event that nobody can read ends the watch with an error, after those before it', async () => {
  const good = JSON.stringify({ type: 'BOOKMARK', object: { metadata: { resourceVersion: '7' } } })
  await using it = await openApi((_request, response) => response.end(`${good}\n\ngarbage\n${good}\n`))
  const seen: string[] = []
  const watching = async () => {
    for await (const event of it.api.watch(PATH, { resourceVersion: '1', timeoutSeconds: 5 }))
      seen.push(event.resourceVersion)
  }
  await expect(watching()).rejects.toMatchObject({ code: 'KUBE_BAD_ANSWER' })
  expect(seen).toEqual(['7'])
})

test('a watch that is cut inside an event is unreachable, not over', async () => {
  await using it = await openApi((_request, response) => {
    response.write('{"type":"ADD', () => response.destroy())
  })
  const watching = collect(it.api.watch(PATH, { resourceVersion: '1', timeoutSeconds: 5 }))
  await expect(watching).rejects.toMatchObject({ code: 'KUBE_UNREACHABLE' })
})

test('whoever stops reading a watch closes its connection', async () => {
  const closed = Promise.withResolvers<void>()
  await using it = await openApi((_request, response) => {
    response.on('close', () => closed.resolve())
    response.write(`${JSON.stringify({ type: 'BOOKMARK', object: { metadata: { resourceVersion: '7' } } })}\n`)
  })
  for await (const _event of it.api.watch(PATH, { resourceVersion: '1', timeoutSeconds: 60 })) break
  await closed.promise
})
