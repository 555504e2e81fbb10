/** A root of trust is replaced while calls go on: published first, then used, then the old one removed. */
import { createRequestIds, systemClock } from '@pallas/runtime'
import { memoryLog } from '@pallas/runtime/testing'
import { TestCa } from '@pallas/x509/testing'
import { request } from 'undici'
import { expect, test } from 'vitest'
import { clientDispatcher, createServer, openTlsFiles, serve } from './index.ts'
import { tlsDirectory } from './testing/index.ts'

const NAME = { commonName: 'service', dns: ['localhost'], ip: ['127.0.0.1'] }

/** A server and a client whose roots are what the test says, with no file of them. */
async function open(ca: TestCa) {
  await using scope = new AsyncDisposableStack()
  const { log } = memoryLog()
  const trusted = { server: ca.certPem, client: ca.certPem }
  const sideOf = async (side: keyof typeof trusted) => {
    const files = scope.use(await tlsDirectory(ca, NAME))
    const tls = scope.use(await openTlsFiles({ ...files, ca: { pem: () => trusted[side] }, log, clock: systemClock }))
    const replace = async (by: TestCa): Promise<void> => {
      await files.replace(await by.issue(NAME))
      await tls.reload()
    }
    return { tls, replace }
  }
  const [server, client] = [await sideOf('server'), await sideOf('client')]
  const app = createServer({ log, clock: systemClock, requestIds: createRequestIds(), bodyLimit: 10, tls: server.tls })
  app.get('/', async () => ({}))
  const { url } = scope.use(await serve(app, { listen: { host: '127.0.0.1', port: 0 }, graceMs: 0, clock: systemClock }))
  const dispatcher = scope.use(clientDispatcher({ tls: client.tls }))
  const call = async () => {
    const { statusCode, body } = await request(url, { dispatcher })
    await body.dump()
    return statusCode
  }
  const trust = async (pem: string): Promise<void> => {
    for (const [side, { tls }] of [['server', server], ['client', client]] as const) {
      trusted[side] = pem
      await tls.reload()
    }
  }
  const parts = scope.move()
  return { call, trust, server, client, [Symbol.asyncDispose]: () => parts.disposeAsync() }
}

test('no call fails while a root is replaced in order, and who still has the old one is refused after it (T32, W32)', async () => {
  const [old, next] = [await TestCa.create({ name: 'old' }), await TestCa.create({ name: 'next' })]
  await using it = await open(old)
  const stop = new AbortController()
  const answers: number[] = []
  const calling = Promise.all(Array.from({ length: 4 }, async () => {
    while (!stop.signal.aborted) answers.push(await it.call())
  }))
  const someCalls = () => expect.poll(() => answers.length, { timeout: 10_000 }).toBeGreaterThan(answers.length + 20)
  const steps = [
    () => it.trust(old.certPem + next.certPem),
    () => it.server.replace(next),
    () => it.client.replace(next),
    () => it.trust(next.certPem),
  ]
  for (const step of steps) {
    await step()
    await someCalls()
  }
  stop.abort()
  await calling
  expect(new Set(answers)).toEqual(new Set([200]))

  await it.client.replace(old)
  await expect(it.call()).rejects.toThrow()
})

test('a client without a certificate asks for its roots at each new connection (T32)', async () => {
  const [old, next] = [await TestCa.create({ name: 'old' }), await TestCa.create({ name: 'next' })]
  await using files = await tlsDirectory(old, NAME)
  const { log } = memoryLog()
  const given = { log, clock: systemClock }
  await using tls = await openTlsFiles({ ...files, ...given })
  const app = createServer({ ...given, requestIds: createRequestIds(), bodyLimit: 10, tls, callers: 'anonymous' })
  app.get('/', async (_request, reply) => reply.header('connection', 'close').send({}))
  await using served = await serve(app, { listen: { host: '127.0.0.1', port: 0 }, graceMs: 0, clock: systemClock })
  let roots = old.certPem
  await using dispatcher = clientDispatcher({ ca: () => roots })
  const call = () => request(served.url, { dispatcher }).then(({ body }) => body.dump())

  await call()
  await files.replace(await next.issue(NAME))
  await tls.reload()
  await expect(call()).rejects.toThrow()
  roots = next.certPem
  await call()
})
