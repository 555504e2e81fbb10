import type { RequestListener } from 'node:http'
import { describe, expect, test } from 'vitest'
import { describeTls } from './contract-tls.ts'
import { get, tcp, unix } from './http-requests.ts'
import { serveBytes, serveHttp, trickle } from './http-servers.ts'
import { smallCa } from './test-certificates.ts'
import type { HostUnderTest, Lack } from './under-test.ts'

/** Short enough for a test, long enough for a slow machine to connect. */
const SOON = 150

export function describeHttp(open: () => Promise<HostUnderTest>, lacks: ReadonlySet<Lack>): void {
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

function describeExchanges(open: () => Promise<HostUnderTest>): void {
  test('request and answer cross a unix socket whole', async () => {
    await using it = await open()
    const socketPath = `${it.dir}/s`
    await using _server = await serveHttp(echo, { socketPath })
    const answer = await it.host.http.exchange(
      get({ kind: 'unix', socketPath }, { method: 'POST', path: '/v1/init/x?a=b%2F', headers: { 'content-type': 'application/json' }, body: '{"é":1}' }),
    )
    expect(answer.status).toBe(201)
    expect(answer.headers).toMatchObject({ 'x-twice': 'a, b', 'x-upper': 'Yes' })
    expect(await it.host.files.stat(socketPath)).toMatchObject({ kind: 'socket' })
    expect(JSON.parse(answer.body)).toEqual({ method: 'POST', url: '/v1/init/x?a=b%2F', type: 'application/json', length: '8', body: '{"é":1}' })
  })

  test('a header may be called as what every object has', async () => {
    await using it = await open()
    const reply = 'HTTP/1.1 200 OK\r\n__proto__: a\r\nconstructor: b\r\ntoString: c\r\ncontent-length: 0\r\n\r\n'
    await using server = await serveBytes((socket) => socket.once('data', () => socket.end(reply)))
    const { headers } = await it.host.http.exchange(get(tcp(server.port)))
    expect(Object.entries(headers)).toEqual([['__proto__', 'a'], ['constructor', 'b'], ['tostring', 'c'], ['content-length', '0']])
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
    ['that ends with its connection', 'HTTP/1.1 200 OK\r\nconnection: close\r\n\r\ndone'],
    ['after an interim one', 'HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ndone'],
    ['without a reason phrase', 'HTTP/1.1 200 \r\ncontent-length: 4\r\n\r\ndone'],
  ])('an answer %s is whole', async (_name, reply) => {
    await using it = await open()
    await using server = await serveBytes((socket) => socket.once('data', () => socket.end(reply)))
    expect(await it.host.http.exchange(get(tcp(server.port)))).toMatchObject({ status: 200, body: 'done' })
  })

  test('a character that comes in two pieces is one character', async () => {
    await using it = await open()
    const euro = Buffer.from('€')
    await using server = await serveHttp((_request, response) => {
      response.write(euro.subarray(0, 1))
      setImmediate(() => response.end(euro.subarray(1)))
    })
    expect((await it.host.http.exchange(get(tcp(server.port)))).body).toBe('€')
  })

  test('an exchange that waits holds up no other, no file and no sleep', async () => {
    await using it = await open()
    const reached = Promise.withResolvers<void>()
    await using silent = await serveBytes((socket) => socket.once('data', () => reached.resolve()))
    await using server = await serveHttp((_request, response) => response.end('x'))
    const stop = new AbortController()
    let isOver = false
    const waiting = it.host.http.exchange(get(tcp(silent.port), { timeoutMs: 60_000 }), stop.signal).finally(() => (isOver = true))
    await reached.promise
    const others = await Promise.all(Array.from({ length: 5 }, () => it.host.http.exchange(get(tcp(server.port)))))
    expect(others.map(({ body }) => body)).toEqual(['x', 'x', 'x', 'x', 'x'])
    await it.host.files.create(`${it.dir}/meanwhile`, new Uint8Array(), 0o600)
    await it.host.clock.sleep(1)
    expect(isOver).toBe(false)
    stop.abort(new Error('enough'))
    await expect(waiting).rejects.toThrow('enough')
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

function describeMisbehaviour(open: () => Promise<HostUnderTest>): void {
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
    ['a head cut short', 'HTTP/1.1 200 OK\r\ncontent-length: 3\r\n'],
    ['a body in another coding', 'HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n'],
    ['a body in an unknown coding', 'HTTP/1.1 200 OK\r\ntransfer-encoding: identity\r\n\r\nabc'],
    ['an answer of two lengths', 'HTTP/1.1 200 OK\r\ncontent-length: 3\r\ncontent-length: 2\r\n\r\nabc'],
    ['a line of a head that ends without a return', 'HTTP/1.1 200 OK\r\nx-a: b\n\r\nabc'],
    ['a blank before the size of a chunk', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n 3\r\nabc\r\n0\r\n\r\n'],
  ])('%s is a bad answer', async (_name, reply) => {
    await using it = await open()
    await using server = await serveBytes((socket) => socket.once('data', () => socket.end(reply)))
    await expect(it.host.http.exchange(get(tcp(server.port)))).rejects.toMatchObject({ code: 'HOST_BAD_ANSWER' })
  })

  test.each([
    ['with what it is to be', 'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n'],
    ['without a word', 'HTTP/1.1 101 Switching Protocols\r\n\r\n'],
  ])('another protocol, %s, is a bad answer at once', async (_name, reply) => {
    await using it = await open()
    await using server = await serveBytes((socket) => socket.once('data', () => socket.write(reply)))
    const exchange = it.host.http.exchange(get(tcp(server.port), { timeoutMs: 60_000 }))
    await expect(exchange).rejects.toMatchObject({ code: 'HOST_BAD_ANSWER' })
  })

  test('whoever has no name is unreachable, this machine least of all', async () => {
    await using it = await open()
    await using server = await serveHttp((_request, response) => response.end())
    for (const to of [{ ...tcp(server.port), host: '' }, unix('')] as const) {
      await expect(it.host.http.exchange(get(to))).rejects.toMatchObject({ code: 'HOST_UNREACHABLE' })
    }
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
