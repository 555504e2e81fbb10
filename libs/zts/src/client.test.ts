import type { AddressInfo } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { systemClock } from '@pallas/runtime'
import { nodeKey, TestCa } from '@pallas/x509/testing'
import { Agent } from 'undici'
import { describe, expect, test } from 'vitest'
import { createZtsClient } from './client.ts'
import { instanceOf, registration } from './testing/contract-world.ts'
import { openEmbedded } from './testing/open-embedded.ts'
import { identityAnswer, openScriptedZts } from './testing/scripted-zts.ts'

const common = { timeoutMs: 5_000, userAgent: 'SIA-k8s.identity 1', clock: systemClock, roots: () => '' }
const asked = { provider: 'k8s.identity', domain: 'shop', service: 'cart', attestationData: 'document', csr: 'csr' }

describe('answers that are not those of a ZTS', () => {
  test.each([
    ['a page', 201, '<html>', { 'content-type': 'text/html' }],
    ['a page that claims to be json', 201, '<html>', undefined],
    ['nothing', 201, '', undefined],
    ['a list', 201, '[]', undefined],
    ['json under another name', 201, identityAnswer(), { 'content-type': 'text/plain' }],
    ['another status', 200, identityAnswer(), undefined],
    ['a redirect', 302, '', { location: 'http://127.0.0.1:1/' }],
    ['another service', 201, identityAnswer({ name: 'shop.till' }), undefined],
    ['no instance id', 201, identityAnswer({ instanceId: '' }), undefined],
    ['an instance id that is a number', 201, identityAnswer({ instanceId: 1 }), undefined],
    ['no certificate', 201, identityAnswer({ x509Certificate: 'none' }), undefined],
    ['a certificate that is a list', 201, identityAnswer({ x509Certificate: [] }), undefined],
    ['a megabyte (W22)', 201, identityAnswer({ filler: 'x'.repeat(1_000_000) }), undefined],
    ['a page in place of a refusal', 403, '<html>', { 'content-type': 'text/html' }],
  ])('%s decides nothing', async (_name, status, body, headers) => {
    await using it = await openScriptedZts(status, body, headers)
    await expect(it.zts.register(asked)).rejects.toMatchObject({ code: 'ZTS_BAD_ANSWER', status, retryable: true })
  })

  test('a refresh answered for another instance decides nothing (T33)', async () => {
    await using it = await openScriptedZts(200, identityAnswer({ instanceId: 'pod-2' }))
    const credentials = await (await TestCa.create()).issue({ commonName: 'shop.cart' })
    const refreshed = it.zts.refresh({ ...asked, instanceId: 'pod-1', credentials })
    await expect(refreshed).rejects.toMatchObject({ code: 'ZTS_BAD_ANSWER', detail: 'instanceId' })
  })

  test('unknown fields and null ones are fine', async () => {
    await using it = await openScriptedZts(201, identityAnswer({ serviceToken: null, more: {} }))
    expect(await it.zts.register(asked)).toEqual({
      instanceId: 'pod-1',
      x509Certificate: expect.stringContaining('BEGIN CERTIFICATE'),
      x509CertificateSigner: 'roots',
    })
  })

  test('a signer that is left out is empty', async () => {
    await using it = await openScriptedZts(201, identityAnswer({ x509CertificateSigner: undefined }))
    expect(await it.zts.register(asked)).toMatchObject({ x509CertificateSigner: '' })
  })
})

describe('what the client never does', () => {
  test('it does not send what is none of the fields of a request', async () => {
    await using it = await openEmbedded()
    const { first, key } = await instanceOf(it)
    const pair = { keyPem: key.pem, certPem: first.x509Certificate }
    const request = { ...(await registration(it, { key })), credentials: pair, instanceId: 'pod-1' }
    const bodies: string[] = []
    const dispatcher = new Agent({ connect: { ca: it.roots } }).compose((dispatch) => (options, handler) => {
      if (typeof options.body === 'string') bodies.push(options.body)
      return dispatch(options, handler)
    })
    await using zts = createZtsClient({ ...common, endpoint: it.server.url, dispatcher, roots: () => it.roots })
    await zts.register(request)
    await dispatcher.close()
    const sent = ['provider', 'domain', 'service', 'attestationData', 'csr']
    expect(bodies.map((body) => Object.keys(JSON.parse(body) as object))).toEqual([sent])
  })

  test.each([
    ['a slash', 'a/b'],
    ['a percent sign', 'a%2fb'],
    ['a question mark', 'a?b'],
    ['two dots', '..'],
    ['one dot', '.'],
    ['nothing', ''],
    ['a line break', 'a\nb'],
    ['a blank', 'a b'],
    ['no end', 'a'.repeat(600)],
  ])('it does not put %s into a path (W1)', async (_name, instanceId) => {
    await using it = await openScriptedZts(204, '')
    const refused = it.zts.deleteInstance({ provider: 'k8s.identity', domain: 'shop', service: 'cart', instanceId })
    await expect(refused).rejects.toMatchObject({ code: 'ZTS_REFUSED', status: undefined })
    const names = { provider: instanceId, domain: 'shop', service: 'cart' }
    const crooked = it.zts.deleteInstance({ ...names, instanceId: 'pod-1' })
    await expect(crooked).rejects.toMatchObject({ code: 'ZTS_REFUSED', status: undefined })
  })

  test('it does not offer HTTP/2', async () => {
    const ca = await TestCa.create()
    const pair = await ca.issue({ commonName: 'sys.auth.zts', ip: ['127.0.0.1'] })
    const offered: string[] = []
    const server = createTlsServer({
      key: pair.keyPem,
      cert: pair.certPem,
      ALPNCallback: ({ protocols }) => {
        offered.push(...protocols)
        return undefined
      },
    })
    await using scope = new AsyncDisposableStack()
    scope.defer(() => void server.close())
    const listening = Promise.withResolvers<void>()
    server.listen(0, '127.0.0.1', listening.resolve)
    await listening.promise
    const endpoint = new URL(`https://127.0.0.1:${(server.address() as AddressInfo).port}/zts/v1`)
    const zts = scope.use(createZtsClient({ ...common, endpoint, roots: () => ca.certPem }))
    await expect(zts.register(asked)).rejects.toMatchObject({ code: 'ZTS_UNREACHABLE' })
    const own = await ca.issue({ commonName: 'shop.cart' })
    const refreshed = zts.refresh({ ...asked, instanceId: 'pod-1', credentials: own })
    await expect(refreshed).rejects.toMatchObject({ code: 'ZTS_UNREACHABLE' })
    expect(offered).toEqual(['http/1.1', 'http/1.1'])
  })

  test('it does not send a pair that does not fit together, nor show its key (W18, W24)', async () => {
    await using it = await openEmbedded()
    const { first, name } = await instanceOf(it)
    const key = nodeKey()
    const credentials = { keyPem: key.pem, certPem: first.x509Certificate }
    const refused = it.zts.refresh({ ...name, csr: 'csr', credentials })
    const error: unknown = await refused.catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'ZTS_REFUSED', retryable: false })
    expect(error).not.toHaveProperty('cause')
    expect(it.server.calls()).toHaveLength(1)
  })

  test('it does not go on when the caller gives up', async () => {
    await using it = await openEmbedded()
    it.server.faults.slow(60_000)
    const stop = new AbortController()
    const gone = it.zts.register(await registration(it), stop.signal)
    stop.abort(new Error('enough'))
    await expect(gone).rejects.toThrow('enough')
    await expect(it.zts.register(await registration(it), stop.signal)).rejects.toThrow('enough')
  })
})

test('many pods that start at once share a bounded number of connections', async () => {
  await using it = await openEmbedded({ timeoutMs: 60_000, callbackTimeoutMs: 60_000 })
  const { register } = await instanceOf(it)
  await Promise.all(Array.from({ length: 60 }, () => register()))
  const ports = it.server.calls().flatMap(({ operation, clientPort }) => (operation === 'register' ? [clientPort] : []))
  // The first is the instance's own.
  expect(ports).toHaveLength(61)
  expect(new Set(ports).size).toBeLessThanOrEqual(32)
})

test('register reuses connections, refresh has one of its own each time', async () => {
  await using it = await openEmbedded()
  const { register, refresh } = await instanceOf(it)
  for (let times = 0; times < 5; times += 1) await register()
  const current = await register()
  for (let times = 0; times < 3; times += 1) await refresh(current)
  const portsOf = (wanted: string) =>
    it.server.calls().flatMap(({ operation, clientPort }) => (operation === wanted ? [clientPort] : []))
  // The pool may open a second one while it still cleans up after the first answer.
  expect(new Set(portsOf('register')).size).toBeLessThanOrEqual(2)
  expect(new Set(portsOf('refresh')).size).toBe(3)
})
