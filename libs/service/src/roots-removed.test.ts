/** A root that is no longer trusted counts for nobody any more: not on open connections, not in handshakes under way. */
import { once } from 'node:events'
import { connect as connectPlain, createServer as createPlainServer, type Socket } from 'node:net'
import { connect, type TLSSocket } from 'node:tls'
import { text } from 'node:stream/consumers'
import { createRequestIds, systemClock } from '@pallas/runtime'
import { memoryLog } from '@pallas/runtime/testing'
import { TestCa } from '@pallas/x509/testing'
import { expect, test } from 'vitest'
import { createServer, openTlsFiles, serve } from './index.ts'
import { tlsDirectory } from './testing/index.ts'

const NAME = { commonName: 'service', dns: ['localhost'], ip: ['127.0.0.1'] }
const ASK = 'GET / HTTP/1.1\r\nhost: x\r\n\r\n'

/** A server that trusts two roots, until the test says which. */
async function open() {
  await using scope = new AsyncDisposableStack()
  const [kept, gone] = [await TestCa.create({ name: 'kept' }), await TestCa.create({ name: 'gone' })]
  const { log } = memoryLog()
  let trusted = kept.certPem + gone.certPem
  const files = scope.use(await tlsDirectory(kept, NAME))
  const tls = scope.use(await openTlsFiles({ ...files, ca: { pem: () => trusted }, log, clock: systemClock }))
  const app = createServer({ log, clock: systemClock, requestIds: createRequestIds(), bodyLimit: 10, tls })
  let served = 0
  app.get('/', async () => ({ served: ++served }))
  app.post('/', async () => ({ served: ++served }))
  const { url } = scope.use(await serve(app, { listen: { host: '127.0.0.1', port: 0 }, graceMs: 0, clock: systemClock }))
  const port = Number(new URL(url).port)
  const trust = async (pem: string): Promise<void> => {
    trusted = pem
    await tls.reload()
  }
  const parts = scope.move()
  const callerOf = async (ca: TestCa, to = port): Promise<TLSSocket> => {
    const { keyPem: key, certPem } = await ca.issue({ commonName: 'caller' })
    const cert = certPem + ca.chainPem
    const socket = connect({ host: '127.0.0.1', port: to, key, cert, ca: kept.certPem, ALPNProtocols: ['http/1.1'] })
    parts.defer(() => void socket.destroy())
    return socket.on('error', () => {})
  }
  return { kept, gone, port, files, tls, trust, callerOf, served: () => served, [Symbol.asyncDispose]: () => parts.disposeAsync() }
}

const answerTo = async (socket: TLSSocket, bytes = ASK): Promise<string> => {
  const answer = once(socket, 'data')
  socket.write(bytes)
  return String((await answer)[0])
}

/** Lets the first flight of a caller through, and the rest when told. */
async function heldProxy(port: number) {
  const release = Promise.withResolvers<void>()
  const holds = Promise.withResolvers<void>()
  const sockets: Socket[] = []
  const server = createPlainServer((caller) => {
    const service = connectPlain(port, '127.0.0.1')
    sockets.push(caller, service)
    let flights = 0
    caller.on('data', (bytes) => {
      flights += 1
      if (flights === 1) return void service.write(bytes)
      holds.resolve()
      void release.promise.then(() => service.write(bytes))
    })
    service.on('data', (bytes) => caller.write(bytes))
    for (const it of [caller, service]) it.on('error', () => {})
    service.on('close', () => caller.end())
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const at = server.address()
  return {
    port: typeof at === 'object' && at !== null ? at.port : 0,
    isHeld: holds.promise,
    release: () => release.resolve(),
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}

test('a handshake that was held back until its root was removed gets no answer (T32)', async () => {
  await using it = await open()
  await using proxy = await heldProxy(it.port)
  const caller = await it.callerOf(it.gone, proxy.port)
  const all = text(caller).catch(() => '')
  caller.write(ASK)
  await proxy.isHeld
  await it.trust(it.kept.certPem)
  proxy.release()
  expect(await all).not.toContain('200 OK')
  expect(it.served()).toBe(0)
})

test('a handshake that was held back while other roots were removed is served, once (T32)', async () => {
  await using it = await open()
  await using proxy = await heldProxy(it.port)
  const caller = await it.callerOf(it.kept, proxy.port)
  const answer = answerTo(caller)
  await proxy.isHeld
  await it.trust(it.kept.certPem)
  proxy.release()
  expect(await answer).toMatch(/^HTTP\/1.1 200 OK[^]*connection: close/i)
})

test('an open connection is refused before its handler when its root was removed, and ends (T32)', async () => {
  await using it = await open()
  const caller = await it.callerOf(it.gone)
  expect(await answerTo(caller)).toMatch(/^HTTP\/1.1 200 OK/)
  await it.trust(it.kept.certPem)
  const closed = once(caller, 'close')
  expect(await answerTo(caller)).toMatch(/^HTTP\/1.1 503 [^]*connection: close[^]*"code":"NOT_READY"/i)
  await closed
  expect(it.served()).toBe(1)
})

test('a request whose body comes after its root was removed is refused before its handler', async () => {
  await using it = await open()
  const caller = await it.callerOf(it.gone)
  caller.write('POST / HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 2\r\nexpect: 100-continue\r\n\r\n')
  expect(String((await once(caller, 'data'))[0])).toContain('100 Continue')
  await it.trust(it.kept.certPem)
  expect(await answerTo(caller, '{}')).toMatch(/^HTTP\/1.1 503 /)
  expect(it.served()).toBe(0)
})

test('an open connection whose chain leads to the roots of now is served, and ends with the answer (T32)', async () => {
  await using it = await open()
  const below = await TestCa.create({ name: 'below', issuer: it.kept })
  for (const ca of [it.kept, below]) {
    await it.trust(it.kept.certPem + it.gone.certPem)
    const caller = await it.callerOf(ca)
    await answerTo(caller)
    await it.trust(it.kept.certPem)
    expect(await answerTo(caller)).toMatch(/^HTTP\/1.1 200 OK[^]*connection: close/i)
  }
})

test('a root that only the caller shows is none', async () => {
  await using it = await open()
  const below = await TestCa.create({ name: 'below', issuer: it.gone })
  const caller = await it.callerOf(below)
  expect(await answerTo(caller)).toMatch(/^HTTP\/1.1 200 OK/)
  await it.trust(it.kept.certPem)
  expect(await answerTo(caller)).toMatch(/^HTTP\/1.1 503 /)
})
