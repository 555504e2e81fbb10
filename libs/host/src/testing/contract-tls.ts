import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { expect, test, vi } from 'vitest'
import type { HttpPeer } from '../http.ts'
import { get } from './http-requests.ts'
import { serveCut, serveHttp, serveTls } from './http-servers.ts'
import { type CaOptions, type SmallCa, smallCa } from './test-certificates.ts'
import type { HostUnderTest } from './under-test.ts'

const hello = (_request: unknown, response: { end(text: string): void }) => response.end('hello')

/** As if the authority were one of the machine's own roots. */
function machineTrusts(caPem: string): Disposable {
  const before = getCACertificates('default')
  setDefaultCACertificates([...before, caPem])
  return { [Symbol.dispose]: () => setDefaultCACertificates(before) }
}

export function describeTls(open: () => Promise<HostUnderTest>): void {
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
    ['that names it only in its subject, beside an address', ca, { commonName: 'localhost', ip: ['127.0.0.2'] }],
    ['that has expired', ca, { ...local, notAfter: Date.now() - 60_000 }],
    ['that is not valid yet', ca, { ...local, notAfter: Date.now() + 72 * 3_600_000 }],
  ])('a server with a certificate %s is not trusted', async (_name, by, leaf) => {
    await using it = await open()
    await using server = await serve(leaf, by)
    const host = leaf.commonName === 'localhost' ? 'localhost' : '127.0.0.1'
    await expect(it.host.http.exchange(get(tls(server.port, { host })))).rejects.toMatchObject({ code: 'HOST_TLS' })
  })

  test.each<[string, CaOptions]>([
    ['has expired', { notAfter: Date.now() - 60_000 }],
    ['is not valid yet', { notAfter: Date.now() + 72 * 3_600_000 }],
    ['is no authority', { isCa: false }],
    ['does not say that it is an authority', { isCa: null }],
    ['may sign messages only', { usage: 0x80 }],
  ])('a root that %s makes nobody trusted', async (_name, options) => {
    await using it = await open()
    const spoiled = smallCa('spoiled ca', options)
    await using server = await serve(local, spoiled)
    const { certPem: caPem } = spoiled
    await expect(it.host.http.exchange(get(tls(server.port, { caPem })))).rejects.toMatchObject({ code: 'HOST_TLS' })
  })

  test('a root that has expired spoils no other', async () => {
    await using it = await open()
    await using server = await serve(local)
    const caPem = smallCa('old ca', { notAfter: Date.now() - 60_000 }).certPem + ca.certPem
    expect(await it.host.http.exchange(get(tls(server.port, { caPem })))).toMatchObject({ status: 200 })
  })

  test.each([
    [0, 0, true],
    [0, 1, false],
    [1, 1, true],
    [1, 2, false],
  ])('of a root that allows %i authorities below it a chain with %i is trusted: %s', async (pathLength, count, isTrusted) => {
    await using it = await open()
    const root = smallCa('short ca', { pathLength, usage: 0x06 })
    const between: SmallCa[] = []
    for (let index = 0; index < count; index++) between.push((between.at(-1) ?? root).subordinate(`ca ${index}`))
    const { keyPem, certPem } = (between.at(-1) ?? root).issue(local)
    const cert = [certPem, ...between.toReversed().map((each) => each.certPem)].join('')
    await using server = await serveTls({ key: keyPem, cert }, hello)
    const answer = it.host.http.exchange(get(tls(server.port, { caPem: root.certPem })))
    if (isTrusted) expect(await answer).toMatchObject({ status: 200 })
    else await expect(answer).rejects.toMatchObject({ code: 'HOST_TLS' })
  })

  test.each([
    ['announced', true],
    ['made by somebody on the way', false],
  ])('an answer that ends with its connection is whole when the end is %s: %s', async (_name, isAnnounced) => {
    await using it = await open()
    const { keyPem, certPem } = ca.issue(local)
    await using server = await serveCut({ key: keyPem, cert: certPem }, 'HTTP/1.1 200 OK\r\n\r\nhello', isAnnounced)
    const answer = it.host.http.exchange(get(tls(server.port)))
    if (isAnnounced) expect(await answer).toMatchObject({ body: 'hello' })
    else await expect(answer).rejects.toMatchObject({ code: 'HOST_BAD_ANSWER' })
  })

  test('an answer that says how long it is needs no announced end', async () => {
    await using it = await open()
    const { keyPem, certPem } = ca.issue(local)
    await using server = await serveCut({ key: keyPem, cert: certPem }, 'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello', false)
    expect(await it.host.http.exchange(get(tls(server.port)))).toMatchObject({ body: 'hello' })
  })

  test('a host without a name is not trusted, this machine least of all', async () => {
    await using it = await open()
    await using server = await serve({ commonName: 'server', dns: ['localhost'] })
    await expect(it.host.http.exchange(get(tls(server.port, { host: '' })))).rejects.toMatchObject({ code: 'HOST_TLS' })
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

  test.each(['keyPem', 'certPem'])('a client whose %s is empty is refused, not taken for none', async (part) => {
    await using it = await open()
    await using server = await serve(local)
    const client = { ...ca.issue({ commonName: 'a' }), [part]: '' }
    await expect(it.host.http.exchange(get({ ...tlsPeer(server.port), client }))).rejects.toMatchObject({ code: 'HOST_TLS' })
  })

  const tlsPeer = (port: number) => ({ kind: 'tls', host: '127.0.0.1', port, caPem: ca.certPem }) as const
}
