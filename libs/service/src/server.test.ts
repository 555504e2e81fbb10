import { once } from 'node:events'
import { connect as connectPlain } from 'node:net'
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls'
import { IdentityError } from '@pallas/identity'
import { createRequestIds, systemClock } from '@pallas/runtime'
import { FakeClock, memoryLog } from '@pallas/runtime/testing'
import { TestCa } from '@pallas/x509/testing'
import { request } from 'undici'
import { beforeAll, expect, test } from 'vitest'
import { clientDispatcher, createServer, openTlsFiles, peerNamed, peerOf, serve, type ServerOptions } from './index.ts'
import { tlsDirectory } from './testing/index.ts'

const HOUR = 3_600_000
const LOOPBACK = { host: '127.0.0.1', port: 0 }
const AGENT = { commonName: 'k8s.admin.agent', dns: ['node-1.test'], uri: ['spiffe://k8s.admin/sa/agent'], ip: ['10.0.0.1'] }

let ca: TestCa
beforeAll(async () => {
  ca = await TestCa.create()
})

type Overrides = Partial<Omit<ServerOptions, 'tls'>>

/** A server with mutual TLS and a client of it, each with credentials of the same CA. */
async function open(overrides: Overrides = {}) {
  await using scope = new AsyncDisposableStack()
  const memory = memoryLog()
  const { log } = memory
  const clock = systemClock
  const ours = scope.use(await tlsDirectory(ca, { commonName: 'server', dns: ['localhost'], ip: ['127.0.0.1'] }))
  const theirs = scope.use(await tlsDirectory(ca, AGENT))
  const filesOf = (it: typeof ours) => openTlsFiles({ ...it, ca: { files: [it.caFile] }, log, clock })
  const serverTls = scope.use(await filesOf(ours))
  const clientTls = scope.use(await filesOf(theirs))
  const app = createServer({ log, clock, requestIds: createRequestIds('r'), bodyLimit: 1_000, tls: serverTls, ...overrides })
  app.get('/peer', async (it) => {
    const { raw, ...peer } = peerOf(it)!
    return { ...peer, bytes: raw.length }
  })
  app.post('/echo', async (it) => ({ body: it.body ?? 'none' }))
  app.get('/denied', () => Promise.reject(new IdentityError('POD_UNKNOWN', 'no such pod', { pod: 'a/b' })))
  app.get('/later', () => Promise.reject(new IdentityError('API_UNAVAILABLE', 'no answer', {}, { retryAfterMs: 1_500 })))
  app.get('/crash', () => Promise.reject(new Error('secret cause of the crash')))
  app.get('/hang', () => new Promise(() => {}))
  const { url } = scope.use(await serve(app, { listen: LOOPBACK, graceMs: 100, clock }))
  const dispatcher = scope.use(clientDispatcher({ tls: clientTls }))
  const parts = scope.move()
  const call = async (path: string, more: Record<string, unknown> = {}) => {
    const answer = await request(`${url}${path}`, { dispatcher, ...more })
    return { status: answer.statusCode, headers: answer.headers, body: (await answer.body.json()) as Record<string, unknown> }
  }
  const tlsOptions = (more: ConnectionOptions = {}): ConnectionOptions => {
    const { key, cert } = clientTls.current()
    return { host: '127.0.0.1', port: Number(new URL(url).port), ca: ca.certPem, key, cert, ...more }
  }
  return { app, url, call, memory, ours, theirs, serverTls, clientTls, dispatcher, tlsOptions, [Symbol.asyncDispose]: () => parts.disposeAsync() }
}

const json = (body: string) => ({ method: 'POST', body, headers: { 'content-type': 'application/json' } })

test('the caller is read from the DER of its certificate', async () => {
  await using it = await open()
  const { body } = await it.call('/peer')
  expect(body).toMatchObject({ commonName: AGENT.commonName, dns: AGENT.dns, uri: AGENT.uri, ip: AGENT.ip })
  expect(body['serial']).toMatch(/^[0-9A-F]+$/)
})

test('a caller that may not use the service is refused on every route, unknown ones too', async () => {
  await using it = await open({ allow: peerNamed('someone.else') })
  for (const path of ['/peer', '/nowhere']) {
    expect(await it.call(path)).toMatchObject({ status: 403, body: { code: 'CALLER_NOT_ALLOWED' } })
  }
})

test('the named caller is served', async () => {
  await using it = await open({ allow: peerNamed(AGENT.commonName) })
  expect((await it.call('/peer')).status).toBe(200)
})

test('the caller is checked on every request of a connection: a certificate that has run out ends it', async () => {
  const clock = new FakeClock(new Date(systemClock.now()).toISOString())
  await using it = await open({ clock })
  expect((await it.call('/peer')).status).toBe(200)
  clock.jump(25 * HOUR)
  expect(await it.call('/peer')).toMatchObject({ status: 403, headers: { connection: 'close' } })
})

/** What a client that speaks TLS by itself is answered; undefined when the server hangs up. */
async function exchange(socket: TLSSocket): Promise<string | undefined> {
  socket.end('GET /peer HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n')
  const chunks: Buffer[] = []
  try {
    for await (const chunk of socket) chunks.push(chunk as Buffer)
  } catch {
    return undefined
  }
  return chunks.length === 0 ? undefined : Buffer.concat(chunks).toString()
}

test.each([
  ['no certificate', async () => ({ key: undefined, cert: undefined })],
  ['a certificate of another CA', async () => pair(await TestCa.create({ name: 'other' }))],
  ['an expired certificate', async () => pair(ca, { notBefore: systemClock.now() - 2 * HOUR, lifeMs: HOUR })],
])('a caller with %s gets no answer', async (_what, credentials) => {
  await using it = await open()
  const { key, cert } = await credentials()
  const { key: _key, cert: _cert, ...rest } = it.tlsOptions()
  const socket = connect({ ...rest, ...(key === undefined ? {} : { key, cert }) })
  expect(await exchange(socket)).toBeUndefined()
})

async function pair(issuer: TestCa, more: { notBefore?: number; lifeMs?: number } = {}) {
  const { keyPem, certPem } = await issuer.issue({ ...AGENT, ...more })
  return { key: keyPem, cert: certPem }
}

test.each(['TLSv1.2', 'TLSv1.3'] as const)('a session of %s is never resumed (T23)', async (version) => {
  await using it = await open({ minVersion: 'TLSv1.2' })
  const only = { minVersion: version, maxVersion: version }
  const first = connect(it.tlsOptions(only))
  const sessions: Buffer[] = []
  first.on('session', (session) => void sessions.push(session))
  expect(await exchange(first)).toContain('200 OK')
  const offered = first.getSession() ?? sessions.at(-1)
  const second = connect({ ...it.tlsOptions(only), ...(offered === undefined ? {} : { session: offered }) })
  await once(second, 'secureConnect')
  expect(offered).toBeDefined()
  expect(second.isSessionReused()).toBe(false)
  expect(await exchange(second)).toContain('200 OK')
})

test('older versions than asked for are not spoken (W32)', async () => {
  await using it = await open({ minVersion: 'TLSv1.3' })
  const socket = connect(it.tlsOptions({ maxVersion: 'TLSv1.2' }))
  await expect(once(socket, 'secureConnect')).rejects.toThrow()
})

test.each([
  ['broken json is told as such', '/echo', json('{"a":'), 400, 'BODY_INVALID'],
  ['a body that would change a prototype is refused', '/echo', json('{"__proto__":{"a":1}}'), 400, 'BODY_INVALID'],
  ['a body of another kind is refused', '/echo', { method: 'POST', body: 'a', headers: { 'content-type': 'text/plain' } }, 400, 'BODY_INVALID'],
  ['a body that is too long is refused', '/echo', json(`"${'x'.repeat(2_000)}"`), 413, 'BODY_TOO_LARGE'],
  ['an unknown route is told as such', '/nowhere', {}, 404, 'ROUTE_UNKNOWN'],
  ['another method of a known route is unknown', '/peer', { method: 'DELETE' }, 404, 'ROUTE_UNKNOWN'],
  ['a badly escaped path is unknown', '/%zz', {}, 404, 'ROUTE_UNKNOWN'],
  ['a denial carries its reason', '/denied', {}, 403, 'POD_UNKNOWN'],
])('%s', async (_name, path, init, status, code) => {
  await using it = await open()
  expect(await it.call(path, init)).toMatchObject({ status, body: { code } })
})

test('what is unavailable says when to come back (W27)', async () => {
  await using it = await open()
  const body = { code: 'API_UNAVAILABLE', message: 'no answer', retryAfter: 2 }
  expect(await it.call('/later')).toMatchObject({ status: 503, headers: { 'retry-after': '2' }, body })
})

test('a server may answer unavailable with a status of its own', async () => {
  await using it = await open({ statusOf: (code) => (code === 'API_UNAVAILABLE' ? 504 : undefined) })
  expect((await it.call('/later')).status).toBe(504)
  expect((await it.call('/denied')).status).toBe(403)
})

test('a crash tells the caller nothing but the request id; the log has the cause under that id (W18)', async () => {
  await using it = await open()
  const { status, body } = await it.call('/crash')
  expect({ status, body }).toEqual({ status: 500, body: { code: 'INTERNAL', message: 'request r-1 failed' } })
  const record = it.memory.records.find(({ level }) => level === 'error')
  expect(record).toMatchObject({ requestId: 'r-1', reason: 'INTERNAL' })
  expect(JSON.stringify(record)).toContain('secret cause of the crash')
  expect((await it.call('/peer')).status).toBe(200)
})

test('a handler that never answers is given up', async () => {
  await using it = await open({ limits: { handlerTimeoutMs: 50 } })
  expect(await it.call('/hang')).toMatchObject({ status: 429, body: { code: 'BUSY' } })
})

test('an empty body is no body', async () => {
  await using it = await open()
  expect((await it.call('/echo', json(''))).body).toEqual({ body: 'none' })
  expect((await it.call('/echo', { method: 'POST' })).body).toEqual({ body: 'none' })
})

test.each([
  ['headers that never end', 'GET /peer HTTP/1.1\r\nhost: x\r\nx-slow: '],
  ['a body that never ends', 'POST /echo HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{'],
])('a caller with %s is hung up on (W22)', async (_what, bytes) => {
  await using it = await open({ limits: { headersTimeoutMs: 50, requestTimeoutMs: 50 } })
  const socket = connect(it.tlsOptions())
  socket.write(bytes)
  let text = ''
  for await (const chunk of socket) text += String(chunk)
  expect(text).toMatch(/^HTTP\/1\.1 408 /)
})

test('each answer says the id under which the log has its request', async () => {
  await using it = await open()
  for (const path of ['/peer', '/nowhere', '/denied']) {
    const { headers } = await it.call(path)
    expect(headers['x-request-id']).toMatch(/^r-/)
    expect(it.memory.records).toContainEqual(expect.objectContaining({ requestId: headers['x-request-id'] }))
  }
})

test.each([
  ['once and hung up on', {}, /^HTTP\/1\.1 400 [^]*"code":"BODY_INVALID"/],
  ['with another status where a server says so', { badBytesStatus: 504 }, /^HTTP\/1\.1 504 /],
])('bytes that are not http are answered %s', async (_how, options, answer) => {
  await using it = await open(options)
  const socket = connect(it.tlsOptions())
  socket.write('hello\r\n\r\n')
  let text = ''
  for await (const chunk of socket) text += String(chunk)
  expect(text).toMatch(answer)
})

test('a connection that never shakes hands is closed (W22)', async () => {
  await using it = await open({ limits: { handshakeTimeoutMs: 50 } })
  const socket = connectPlain({ host: '127.0.0.1', port: Number(new URL(it.url).port) })
  socket.resume()
  await once(socket, 'close')
})

test('a new certificate is served without a restart, and older connections end after their next answer (W30)', async () => {
  await using it = await open()
  const serialNow = () => {
    const socket = connect(it.tlsOptions())
    return once(socket, 'secureConnect').then(() => {
      const { serialNumber } = socket.getPeerCertificate()
      socket.destroy()
      return serialNumber
    })
  }
  const before = await serialNow()
  expect((await it.call('/peer')).headers['connection']).toBe('keep-alive')
  const changed = new Promise<void>((resolve) => void it.serverTls.onChange(resolve))
  const next = await ca.issue({ commonName: 'server', dns: ['localhost'], ip: ['127.0.0.1'] })
  await it.ours.replace(next)
  await changed
  expect(await serialNow()).toBe(next.serial)
  expect(next.serial).not.toBe(before)
  expect((await it.call('/peer')).headers['connection']).toBe('close')
  expect((await it.call('/peer')).headers['connection']).toBe('keep-alive')
})

test('the client presents a new certificate at once', async () => {
  await using it = await open()
  const before = (await it.call('/peer')).body['serial']
  const changed = new Promise<void>((resolve) => void it.clientTls.onChange(resolve))
  const next = await ca.issue(AGENT)
  await it.theirs.replace(next)
  await changed
  const after = (await it.call('/peer')).body['serial']
  expect(after).toBe(next.serial)
  expect(after).not.toBe(before)
})

test('a request in flight is cut when the grace is over', async () => {
  await using scope = new AsyncDisposableStack()
  const it = await open()
  scope.use(it)
  const hanging = it.call('/hang').catch((error: unknown) => error)
  await once(it.app.server, 'request')
  await scope.disposeAsync()
  expect(await hanging).toBeInstanceOf(Error)
})

test('a server that must verify callers never falls back to public roots (W24)', async () => {
  await using files = await tlsDirectory(ca, { commonName: 'server' })
  const { log } = memoryLog()
  await using tls = await openTlsFiles({ ...files, log, clock: systemClock })
  const options = { log, clock: systemClock, requestIds: createRequestIds(), bodyLimit: 1, tls }
  expect(() => createServer(options)).toThrow(expect.objectContaining({ code: 'SERVICE_NO_ROOTS' }))
  expect(() => clientDispatcher({ tls })).toThrow(expect.objectContaining({ code: 'SERVICE_NO_ROOTS' }))
})

test('a caller that hangs up in the middle of its body is no failure of ours', async () => {
  await using it = await open()
  const socket = connect(it.tlsOptions())
  await once(socket, 'secureConnect')
  socket.write('POST /echo HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"half":')
  await new Promise((resolve) => setTimeout(resolve, 50))
  socket.destroy()
  await expect.poll(() => it.memory.records.some(({ reason }) => reason === 'BODY_INVALID')).toBe(true)
  expect(it.memory.records.filter(({ level }) => level === 'error')).toEqual([])
})
