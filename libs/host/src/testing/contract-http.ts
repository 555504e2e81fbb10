import type { RequestListener } from 'node:http'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { describe, expect, test, vi } from 'vitest'
import type { HttpPeer, HttpRequest } from '../http.ts'
import { serveBytes, serveHttp, serveTls, trickle } from './http-servers.ts'
import { smallCa } from './test-certificates.ts'
import type { HostUnderTest, Lack } from './under-test.ts'

type Open = () => Promise<HostUnderTest>

const get = (to: HttpPeer, other: Partial<HttpRequest> = {}): HttpRequest => ({
  to,
  method: 'GET',
  path: '/',
  timeoutMs: 5_000,
  maxBytes: 10_000,
  ...other,
})
const tcp = (port: number): HttpPeer => ({ kind: 'tcp', host: '127.0.0.1', port })
/** Short enough for a test, long enough for a slow machine to connect. */
const SOON = 150

export function describeHttp(open: Open, lacks: ReadonlySet<Lack>): void {
  describe.skipIf(lacks.has('network'))('http', () => {
    describeExchanges(open)
    describeMisbehaviour(open)
    describeTls(open)
  })
}

/** Tells the client what it said. */
const echo: RequestListener = (request, response) => {
  const parts: Buffer[] = []
  request.on('data', (part: Buffer) => parts.push(part))
  request.on('end', () => {
    const { method, url, headers } = request
    const heard = { method, url, type: headers['content-type'], length: headers['content-length'] }
    response.writeHead(201, { 'x-twice': ['a', 'b'], 'X-Upper': 'Yes' })
    response.end(JSON.stringify({ ...heard, body: Buffer.concat(parts).toString() }))
  })
}

function describeExchanges(open: Open): void {
  test('request and answer cross a unix socket whole', async () => {
    await using it = await open()
    const socketPath = `${it.dir}/s`
    await using _server = await serveHttp(echo, { socketPath })
    const answer = await it.host.http.exchange(
      get({ kind: 'unix', socketPath }, { method: 'POST', path: '/v1/init/x?a=b%2F', headers: { 'content-type': 'application/json' }, body: '{"é":1}' }),
    )
    expect(answer.status).toBe(201)
    expect(answer.headers).toMatchObject({ 'x-twice': 'a, b', 'x-upper': 'Yes' })
    expect(JSON.parse(answer.body)).toEqual({ method: 'POST', url: '/v1/init/x?a=b%2F', type: 'application/json', length: '8', body: '{"é":1}' })
  })

  test.each([200, 204, 302, 404, 409, 503])('status %i is an answer, not an error', async (status) => {
    await using it = await open()
    await using server = await serveHttp((_request, response) => response.writeHead(status, { location: '/other' }).end())
    expect(await it.host.http.exchange(get(tcp(server.port)))).toMatchObject({ status, body: '' })
  })

  test('a chunked answer is put together', async () => {
    await using it = await open()
    await using server = await serveHttp((_request, response) => {
      response.write('one ')
      response.end('two')
    })
    expect(await it.host.http.exchange(get(tcp(server.port)))).toMatchObject({ body: 'one two' })
  })

  test.each([
    ['in the path', { path: '/a b\r\nx: y' }],
    ['in a header', { headers: { 'x-a': 'b\r\nx-c: d' } }],
  ])('a line break %s is refused before anything is sent', async (_name, part) => {
    await using it = await open()
    let heard = 0
    await using server = await serveHttp((_request, response) => {
      heard++
      response.end()
    })
    await expect(it.host.http.exchange(get(tcp(server.port), part))).rejects.toMatchObject({ code: 'HOST_IO' })
    expect(heard).toBe(0)
  })

  test('an answer may be as long as allowed, and no byte longer', async () => {
    await using it = await open()
    await using server = await serveHttp((_request, response) => response.end('x'.repeat(1_000)))
    expect((await it.host.http.exchange(get(tcp(server.port), { maxBytes: 1_000 }))).body).toHaveLength(1_000)
    const tooLong = it.host.http.exchange(get(tcp(server.port), { maxBytes: 999 }))
    await expect(tooLong).rejects.toMatchObject({ code: 'HOST_TOO_LARGE' })
  })
}

function describeMisbehaviour(open: Open): void {
  test('nobody there is unreachable', async () => {
    await using it = await open()
    const gone = await serveHttp((_request, response) => response.end())
    await gone[Symbol.asyncDispose]()
    const { http, files } = it.host
    await files.create(`${it.dir}/file`, new Uint8Array(), 0o600)
    for (const to of [tcp(gone.port), unix(`${it.dir}/none`), unix(`${it.dir}/file`), unix(`${it.dir}/${'x'.repeat(200)}`)])
      await expect(http.exchange(get(to))).rejects.toMatchObject({ code: 'HOST_UNREACHABLE' })
  })

  test('a connection that ends without an answer is unreachable', async () => {
    await using it = await open()
    await using server = await serveBytes((socket) => socket.once('data', () => socket.destroy()))
    await expect(it.host.http.exchange(get(tcp(server.port)))).rejects.toMatchObject({ code: 'HOST_UNREACHABLE' })
  })

  test.each([
    ['something that is not HTTP', 'SSH-2.0-OpenSSH_9.2\r\n'],
    ['an answer cut short', 'HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc'],
    ['a chunk cut short', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\na\r\nabc'],
  ])('%s is a bad answer', async (_name, reply) => {
    await using it = await open()
    await using server = await serveBytes((socket) => socket.once('data', () => socket.end(reply)))
    await expect(it.host.http.exchange(get(tcp(server.port)))).rejects.toMatchObject({ code: 'HOST_BAD_ANSWER' })
  })

  test.each([
    ['says nothing', ''],
    ['sends its head byte by byte', 'HTTP/1.1 200 OK\r\nx-slow: '],
    ['sends its body byte by byte', 'HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n'],
  ])('a server that %s has until the deadline', async (_name, first) => {
    await using it = await open()
    await using server = await serveBytes((socket) => trickle(socket, first))
    const exchange = it.host.http.exchange(get(tcp(server.port), { timeoutMs: SOON }))
    await expect(exchange).rejects.toMatchObject({ code: 'HOST_TIMEOUT' })
  })

  test('a server that never begins TLS has until the deadline', async () => {
    await using it = await open()
    await using server = await serveBytes(() => undefined)
    const to = { kind: 'tls', host: '127.0.0.1', port: server.port, caPem: smallCa('ca').certPem } as const
    await expect(it.host.http.exchange(get(to, { timeoutMs: SOON }))).rejects.toMatchObject({ code: 'HOST_TIMEOUT' })
  })

  test('an abort ends an exchange at once, with the reason, and closes the connection', async () => {
    await using it = await open()
    const closed = Promise.withResolvers<void>()
    const reached = Promise.withResolvers<void>()
    await using server = await serveBytes((socket) => {
      socket.once('data', () => reached.resolve())
      socket.once('close', () => closed.resolve())
    })
    const stop = new AbortController()
    const exchange = it.host.http.exchange(get(tcp(server.port)), stop.signal)
    await reached.promise
    stop.abort(new Error('enough'))
    await expect(exchange).rejects.toThrow('enough')
    await closed.promise
  })

  test('whoever has been aborted sends nothing', async () => {
    await using it = await open()
    const stop = new AbortController()
    stop.abort(new Error('enough'))
    await expect(it.host.http.exchange(get(tcp(1)), stop.signal)).rejects.toThrow('enough')
  })
}

const unix = (socketPath: string): HttpPeer => ({ kind: 'unix', socketPath })

const hello = (_request: unknown, response: { end(text: string): void }) => response.end('hello')

/** As if the authority were one of the machine's own roots. */
function machineTrusts(caPem: string): Disposable {
  const before = getCACertificates('default')
  setDefaultCACertificates([...before, caPem])
  return { [Symbol.dispose]: () => setDefaultCACertificates(before) }
}

function describeTls(open: Open): void {
  const ca = smallCa('our ca')
  const other = smallCa('another ca')
  const local = { commonName: 'server', ip: ['127.0.0.1'] }
  const serve = (leaf: Parameters<typeof ca.issue>[0], by = ca) => {
    const { keyPem, certPem } = by.issue(leaf)
    return serveTls({ key: keyPem, cert: certPem }, hello)
  }
  const tls = (port: number, part: { host?: string; caPem?: string } = {}): HttpPeer => ({
    kind: 'tls',
    host: '127.0.0.1',
    port,
    caPem: ca.certPem,
    ...part,
  })

  test.each([
    ['an address in its certificate', local, '127.0.0.1'],
    ['a name in its certificate', { commonName: 'server', dns: ['localhost'] }, 'localhost'],
  ])('a server with %s is trusted under it', async (_name, leaf, host) => {
    await using it = await open()
    await using server = await serve(leaf)
    expect(await it.host.http.exchange(get(tls(server.port, { host })))).toMatchObject({ status: 200, body: 'hello' })
  })

  test('one of several roots is enough', async () => {
    await using it = await open()
    await using server = await serve(local)
    const caPem = other.certPem + ca.certPem
    expect(await it.host.http.exchange(get(tls(server.port, { caPem })))).toMatchObject({ status: 200 })
  })

  test.each([
    ['by another authority', other, local],
    ['for another name', ca, { commonName: '127.0.0.1', dns: ['other.example'] }],
    ['for another address', ca, { commonName: 'server', ip: ['127.0.0.2'] }],
    ['that names it only in its subject', ca, { commonName: '127.0.0.1' }],
    ['that has expired', ca, { ...local, notAfter: Date.now() - 60_000 }],
    ['that is not valid yet', ca, { ...local, notAfter: Date.now() + 72 * 3_600_000 }],
  ])('a server with a certificate %s is not trusted', async (_name, by, leaf) => {
    await using it = await open()
    await using server = await serve(leaf, by)
    await expect(it.host.http.exchange(get(tls(server.port)))).rejects.toMatchObject({ code: 'HOST_TLS' })
  })

  test.each([
    ['no root at all', ''],
    ['text for a root', 'hunter2'],
    ['a spoiled root', '-----BEGIN CERTIFICATE-----\nhunter2\n-----END CERTIFICATE-----\n'],
  ])('with %s nobody is trusted, the machine’s own roots least of all', async (_name, caPem) => {
    await using it = await open()
    using _trusting = machineTrusts(ca.certPem)
    await using server = await serve(local)
    await expect(it.host.http.exchange(get(tls(server.port, { caPem })))).rejects.toMatchObject({ code: 'HOST_TLS' })
  })

  test('no variable in the environment makes a stranger trusted', async () => {
    await using it = await open()
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0')
    try {
      await using server = await serve(local, other)
      await expect(it.host.http.exchange(get(tls(server.port)))).rejects.toMatchObject({ code: 'HOST_TLS' })
    } finally {
      vi.unstubAllEnvs()
    }
  })

  test('a server without TLS is not trusted', async () => {
    await using it = await open()
    await using server = await serveHttp((_request, response) => response.end())
    await expect(it.host.http.exchange(get(tls(server.port)))).rejects.toMatchObject({ code: 'HOST_TLS' })
  })

  test('the client shows its certificate to a server that asks', async () => {
    await using it = await open()
    const { keyPem, certPem } = ca.issue(local)
    const options = { key: keyPem, cert: certPem, ca: ca.certPem, requestCert: true, rejectUnauthorized: true }
    await using server = await serveTls(options, (request, response) => {
      const { subject } = (request.socket as import('node:tls').TLSSocket).getPeerCertificate()
      response.end(String(subject.CN))
    })
    const client = ca.issue({ commonName: 'media.web' })
    expect(await it.host.http.exchange(get({ ...tlsPeer(server.port), client }))).toMatchObject({ body: 'media.web' })

    const unwanted = { ...tlsPeer(server.port), client: other.issue({ commonName: 'media.web' }) }
    for (const to of [tlsPeer(server.port), unwanted]) {
      const { code } = await it.host.http.exchange(get(to)).then(() => ({ code: 'none' }), (error: { code: string }) => error)
      // The alert may come before or after the connection is gone.
      expect(['HOST_TLS', 'HOST_UNREACHABLE']).toContain(code)
    }
  })

  test('a client key that cannot be used is refused without an echo', async () => {
    await using it = await open()
    const { certPem } = ca.issue({ commonName: 'a' })
    const keyPem = '-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----\n'
    const error: unknown = await it.host.http.exchange(get({ ...tlsPeer(1), client: { keyPem, certPem } })).catch((thrown) => thrown)
    expect(error).toMatchObject({ code: 'HOST_TLS' })
    expect(`${String(error)} ${JSON.stringify(error)}`).not.toContain('hunter2')
  })

  const tlsPeer = (port: number) => ({ kind: 'tls', host: '127.0.0.1', port, caPem: ca.certPem }) as const
}
