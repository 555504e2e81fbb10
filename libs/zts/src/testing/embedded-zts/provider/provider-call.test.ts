import { connect, createServer as createTcpServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, type TlsOptions, type TLSSocket } from 'node:tls'
import { readCertificate } from '@pallas/x509'
import { type Issued, TestCa } from '@pallas/x509/testing'
import { describe, expect, test } from 'vitest'
import { startTestCallback, yes } from '../../test-callback.ts'
import { announcedAuthorities } from './announced-authorities.ts'
import { createProviderCaller } from './provider-call.ts'

const PROVIDER = 'k8s.identity'
const OK = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}'

async function pki() {
  const ca = await TestCa.create({ name: 'services' })
  const zts = await ca.issue({ commonName: 'sys.auth.zts' })
  const callback = await ca.issue({ commonName: PROVIDER, dns: ['elsewhere.test'] })
  return { ca, zts, callback }
}

const askerOf = (ca: TestCa, zts: Issued, timeoutMs = 5_000) => {
  const ask = createProviderCaller({ roots: ca.certPem, client: zts, timeoutMs })
  return (endpoint: string, body = '{}', provider = PROVIDER) =>
    ask({ endpoint: new URL(endpoint), path: '/instance', provider, body })
}

async function listening(server: Server): Promise<AsyncDisposable & { port: number }> {
  const open = new Set<Socket>()
  server.on('connection', (socket: Socket) => open.add(socket))
  const { promise, resolve } = Promise.withResolvers<void>()
  server.listen(0, '127.0.0.1', resolve)
  await promise
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy()
      server.close()
    },
  }
}

/** A TLS server that keeps every byte of each connection and answers as soon as the last chunk is there. */
async function openRaw(tls: TlsOptions) {
  const connections: { text: string; protocol: string | null; cipher: string; serverName: unknown }[] = []
  const server = createTlsServer(tls, (socket: TLSSocket) => {
    const { name: cipher } = socket.getCipher()
    const one = { text: '', protocol: socket.getProtocol(), cipher, serverName: socket.servername }
    connections.push(one)
    socket.on('error', () => undefined)
    socket.on('data', (chunk) => {
      one.text += chunk.toString('latin1')
      if (one.text.endsWith('\r\n0\r\n\r\n')) socket.write(OK)
    })
  })
  const parts = await listening(server)
  return { ...parts, connections, endpoint: `https://127.0.0.1:${parts.port}` }
}

describe('the question on the wire', () => {
  test('is a chunked POST with the headers of the recorded client, in their order', async () => {
    const { ca, zts, callback } = await pki()
    await using it = await openRaw({ key: callback.keyPem, cert: callback.certPem })
    const body = JSON.stringify({ attestationData: 'd'.repeat(65_536) })
    const reply = await askerOf(ca, zts)(`${it.endpoint}/base/`, body)
    expect(reply).toEqual({ kind: 'answer', status: 200, contentType: 'application/json', body: '{}' })
    const [head, ...rest] = (it.connections[0]?.text ?? '').split('\r\n\r\n')
    expect(head?.split('\r\n')).toEqual([
      'POST /base/instance HTTP/1.1',
      'Accept: application/json',
      'User-Agent: Jersey/3.1.12 (Apache HttpClient 4.5.13)',
      'Content-Type: application/json',
      'Transfer-Encoding: chunked',
      `Host: 127.0.0.1:${it.port}`,
      'Connection: Keep-Alive',
      'Accept-Encoding: gzip,deflate',
    ])
    expect(rest.join('\r\n\r\n')).toBe(`${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`)
  })

  test('goes over TLS 1.2 on a new connection each time, with a server name only where there is one', async () => {
    const { ca, zts, callback } = await pki()
    await using it = await openRaw({ key: callback.keyPem, cert: callback.certPem })
    const ask = askerOf(ca, zts)
    await ask(it.endpoint)
    await ask(`https://localhost:${it.port}`)
    expect(it.connections).toMatchObject([
      { protocol: 'TLSv1.2', cipher: 'ECDHE-ECDSA-AES128-GCM-SHA256', serverName: false },
      { protocol: 'TLSv1.2', serverName: 'localhost' },
    ])
  })
})

describe('the certificate of the callback', () => {
  test.each<[string, (ca: TestCa) => Promise<Issued>, boolean]>([
    ['the name of the provider and any others', (ca) => ca.issue({ commonName: PROVIDER, dns: ['x.test'] }), true],
    ['the name of the provider in another case', (ca) => ca.issue({ commonName: 'K8s.identity' }), false],
    ['only the right address', (ca) => ca.issue({ commonName: 'localhost', ip: ['127.0.0.1'] }), false],
    ['no right to be a server', (ca) => ca.issue({ commonName: PROVIDER, usages: ['clientAuth'] }), false],
    ['no time left', (ca) => ca.issue({ commonName: PROVIDER, notBefore: 1e12, lifeMs: 1_000 }), false],
    ['another CA', async () => (await TestCa.create()).issue({ commonName: PROVIDER }), false],
  ])('with %s', async (_name, issue, taken) => {
    const { ca, zts } = await pki()
    const pair = await issue(ca)
    await using it = await openRaw({ key: pair.keyPem, cert: pair.certPem })
    expect((await askerOf(ca, zts)(it.endpoint)).kind).toBe(taken ? 'answer' : 'failure')
  })

  test('is of no use under TLS 1.3 alone', async () => {
    const { ca, zts, callback } = await pki()
    await using it = await openRaw({ key: callback.keyPem, cert: callback.certPem, minVersion: 'TLSv1.3' })
    expect(await askerOf(ca, zts)(it.endpoint)).toMatchObject({ kind: 'failure' })
  })
})

describe('the certificate of the ZTS', () => {
  test('is shown when the callback names its issuer, among others or through an intermediate', async () => {
    const shown = { reply: 'answer', caller: 'sys.auth.zts', connections: 1 }
    expect(await callerSeen(async (ca) => ({ ca: ca.certPem }))).toEqual(shown)
    expect(await callerSeen(async (ca) => ({ ca: [await another(), ca.certPem] }))).toEqual(shown)
    expect(await callerSeen(async (ca) => ({ ca: ca.certPem }), true)).toEqual(shown)
  })

  test('is shown when the callback names nobody', async () => {
    const seen = await callerSeen(async () => ({ rejectUnauthorized: false }))
    expect(seen).toEqual({ reply: 'answer', caller: 'sys.auth.zts', connections: 1 })
  })

  test('is not shown when the callback names only others', async () => {
    const seen = await callerSeen(async () => ({ ca: await another(), rejectUnauthorized: false }))
    expect(seen).toMatchObject({ reply: 'answer', caller: undefined })
  })

  test('so that a callback which insists on one gets no question at all', async () => {
    const seen = await callerSeen(async () => ({ ca: await another() }))
    expect(seen).toMatchObject({ reply: 'failure', caller: undefined, connections: 0 })
  })

  test('is not asked for by a callback without mutual TLS', async () => {
    expect(await callerSeen(async () => ({ requestCert: false }))).toMatchObject({ reply: 'answer', caller: undefined })
  })
})

describe('a callback in trouble', () => {
  test.each(['hang', 'close'] as const)('that says "%s" has failed', async (said) => {
    const { ca, zts, callback } = await pki()
    await using it = await startTestCallback({ key: callback.keyPem, cert: callback.certPem, ca: ca.certPem })
    it.say(() => said)
    const problem = said === 'hang' ? /SocketTimeout/ : /Connection reset/
    const reply = await askerOf(ca, zts, 300)(it.endpoint)
    expect(reply).toMatchObject({ kind: 'failure', problem: expect.stringMatching(problem) })
    it.say(() => yes())
    expect(await askerOf(ca, zts)(it.endpoint)).toMatchObject({ kind: 'answer', status: 200 })
  })

  test('that never greets, or is not there, has failed', async () => {
    const { ca, zts } = await pki()
    await using silent = await listening(createTcpServer())
    const ask = askerOf(ca, zts, 300)
    expect(await ask(`https://127.0.0.1:${silent.port}`)).toMatchObject({ kind: 'failure' })
    const problem = expect.stringContaining('refused')
    expect(await ask('https://127.0.0.1:1')).toMatchObject({ kind: 'failure', problem })
  })

  test('that sends another page is not followed', async () => {
    const { ca, zts, callback } = await pki()
    await using it = await startTestCallback({ key: callback.keyPem, cert: callback.certPem, ca: ca.certPem })
    it.say(() => ({ status: 302, location: `${it.endpoint}/instance` }))
    expect(await askerOf(ca, zts)(it.endpoint)).toMatchObject({ kind: 'answer', status: 302 })
    expect(it.asked).toHaveLength(1)
  })
})

describe('the CAs that a server names', () => {
  test('are found whole however the bytes arrive', async () => {
    const { ca, callback } = await pki()
    const other = await TestCa.create({ name: 'another' })
    const tls = { key: callback.keyPem, cert: callback.certPem, ca: [ca.certPem, other.certPem], requestCert: true }
    await using it = await openRaw(tls)
    const flight = await firstFlight(it.port)
    const found = [...flight.keys(), flight.length].map((length) => announcedAuthorities(flight.subarray(0, length)))
    const names = [ca, other].map(({ certPem }) => hexOf(readCertificate(certPem).subjectDer))
    const whole = found.at(-1)
    expect(Array.isArray(whole) && whole.map(hexOf).toSorted()).toEqual(names.toSorted())
    const changes = found.map((one) => (one === 'more' ? 'more' : 'names'))
    expect(changes.slice(0, changes.indexOf('names')).every((one) => one === 'more')).toBe(true)
    expect(changes.slice(changes.indexOf('names')).every((one) => one === 'names')).toBe(true)
  })

  test('an alert in place of a greeting names none', () => {
    expect(announcedAuthorities(Buffer.from('15030300020228', 'hex'))).toBe('none')
  })
})

/** What a TLS 1.2 server says first, to a hello that is written by hand. */
async function firstFlight(port: number): Promise<Buffer> {
  const extensions = Buffer.from('000a000400020017000b00020100000d000400020403', 'hex')
  const length = Buffer.alloc(2)
  length.writeUInt16BE(extensions.length)
  const [version, suites] = [Buffer.from('0303', 'hex'), Buffer.from('000002c02b0100', 'hex')]
  const hello = Buffer.concat([version, Buffer.alloc(32, 7), suites, length, extensions])
  const message = Buffer.concat([Buffer.from([1, 0, 0, hello.length]), hello])
  const record = Buffer.concat([Buffer.from([22, 3, 1, 0, message.length]), message])
  const socket = connect(port, '127.0.0.1')
  socket.write(record)
  let flight = Buffer.alloc(0)
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    flight = Buffer.concat([flight, chunk])
    // ServerHelloDone: the last four bytes of the flight.
    if (flight.subarray(-4).equals(Buffer.from([14, 0, 0, 0]))) break
  }
  return flight
}

async function callerSeen(announced: (ca: TestCa) => Promise<TlsOptions>, chained = false) {
  const { ca, zts, callback } = await pki()
  const middle = await TestCa.create({ name: 'middle', issuer: ca })
  const leaf = await middle.issue({ commonName: 'sys.auth.zts' })
  const client = chained ? { ...leaf, certPem: leaf.certPem + middle.certPem } : zts
  const options = { key: callback.keyPem, cert: callback.certPem, ...(await announced(ca)) }
  await using it = await startTestCallback(options)
  const reply = await askerOf(ca, client)(it.endpoint)
  return { reply: reply.kind, caller: it.asked.at(-1)?.caller, connections: it.connections() }
}
const another = async () => (await TestCa.create({ name: 'another' })).certPem

const hexOf = (name: Uint8Array) => name.toHex()
