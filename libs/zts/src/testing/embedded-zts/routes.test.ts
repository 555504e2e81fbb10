import { describe, expect, test } from 'vitest'
import { registration } from '../contract-world.ts'
import { type OpenEmbedded, openEmbedded } from '../open-embedded.ts'
import type { ZtsCall } from './calls.ts'
import { rawCall, type RawRequest } from '../raw-client.ts'

const call = (it: OpenEmbedded, path: string, request: Partial<RawRequest> = {}) =>
  rawCall({ url: it.server.url, ca: it.server.caPem, path: `/zts/v1${path}`, method: 'GET', ...request })

describe('what is not a resource is answered with a page', () => {
  test.each<[string, string, Partial<RawRequest>, number]>([
    ['an unknown path', '/nowhere', {}, 404],
    ['a path beside the base', '/../v2/instance', {}, 404],
    ['the wrong method', '/instance', { method: 'PUT' }, 405],
    [
      'another content type',
      '/instance',
      { method: 'POST', headers: { 'content-type': 'text/plain' }, body: '{}' },
      415,
    ],
    ['no content type', '/instance', { method: 'POST', headers: {}, body: '{}' }, 415],
    ['a body without end', '/instance', { method: 'POST', body: 'x'.repeat(1_100_000) }, 413],
  ])('%s', async (_name, path, request, status) => {
    await using it = await openEmbedded()
    const answer = await call(it, path, request)
    expect(answer.status).toBe(status)
    expect(answer.headers['content-type']).toContain('text/html')
    expect(answer.text).toContain('<html>')
  })
})

describe('resources besides instances', () => {
  test('status is for everybody', async () => {
    await using it = await openEmbedded()
    const { status, text } = await call(it, '/status')
    expect([status, JSON.parse(text)]).toEqual([200, { code: 200, message: 'OK' }])
  })

  test('the bundle of CAs is for those who are known', async () => {
    await using it = await openEmbedded()
    const pair = await it.ca.issue({ commonName: 'shop.cart' })
    expect(await call(it, '/cacerts/athenz')).toMatchObject({ status: 401, message: 'Invalid credentials' })
    const { text } = await call(it, '/cacerts/athenz', { pair })
    expect(JSON.parse(text)).toEqual({ name: 'athenz', certs: it.ca.certPem })
    const message = 'getCertificateAuthorityBundle: No such bundle: x'
    expect(await call(it, '/cacerts/x', { pair })).toMatchObject({ status: 404, message })
  })

  test('there may be other bundles, and one in place of its own', async () => {
    await using it = await openEmbedded()
    const pair = await it.ca.issue({ commonName: 'shop.cart' })
    it.world.caBundles['intermediates'] = 'PEM of some'
    const certsOf = async (name: string) => JSON.parse((await call(it, `/cacerts/${name}`, { pair })).text) as unknown
    expect(await certsOf('intermediates')).toEqual({ name: 'intermediates', certs: 'PEM of some' })
    it.world.caBundles['athenz'] = 'PEM of others'
    expect(await certsOf('athenz')).toEqual({ name: 'athenz', certs: 'PEM of others' })
    expect(await call(it, '/cacerts/constructor', { pair })).toMatchObject({ status: 404 })
  })

  test('the key of its tokens is for everybody, its curve by two names', async () => {
    await using it = await openEmbedded()
    const [java, rfc] = [await call(it, '/oauth2/keys'), await call(it, '/oauth2/keys?rfc=true')]
    expect(JSON.parse(java.text)).toMatchObject({ keys: [{ kty: 'EC', crv: 'prime256v1' }] })
    expect(JSON.parse(rfc.text)).toMatchObject({ keys: [{ crv: 'P-256' }] })
  })

  test('a register with a slash behind it is only for those who are known', async () => {
    await using it = await openEmbedded()
    const request = { method: 'POST', body: JSON.stringify(await registration(it)) }
    expect(await call(it, '/instance/', request)).toMatchObject({ status: 401 })
    const pair = await it.ca.issue({ commonName: 'shop.agent' })
    expect(await call(it, '/instance/', { ...request, pair })).toMatchObject({ status: 201 })
  })

  test('a bad token is worse than none', async () => {
    await using it = await openEmbedded()
    const headers = { 'content-type': 'application/json', 'athenz-principal-auth': 'v=S1;d=shop;n=cart;s=x' }
    const body = JSON.stringify(await registration(it))
    expect(await call(it, '/instance', { method: 'POST', headers, body })).toMatchObject({ status: 401 })
  })

  test('a certificate whose subject names no service is no credential', async () => {
    await using it = await openEmbedded()
    const pair = await it.ca.issue({ commonName: 'localhost' })
    expect(await call(it, '/status', { pair })).toMatchObject({ status: 401 })
  })

  test('who may delete an instance is up to the domain too', async () => {
    await using it = await openEmbedded()
    const pair = await it.ca.issue({ commonName: 'shop.cart' })
    const path = '/instance/k8s.identity/shop/cart/pod-1'
    expect(await call(it, path, { method: 'DELETE', pair })).toMatchObject({ status: 403 })
    const shop = it.world.domains['shop']!
    shop.roles['sweepers'] = ['shop.cart']
    shop.policies.push({ role: 'sweepers', action: 'delete', resource: 'shop:instance.*' })
    expect(await call(it, path, { method: 'DELETE', pair })).toMatchObject({ status: 204, text: '' })
    shop.policies.push({ role: 'sweepers', action: 'delete', resource: 'shop:instance.pod-1', effect: 'deny' })
    expect(await call(it, path, { method: 'DELETE', pair })).toMatchObject({ status: 403 })
  })
})

test('every call is told of, with who, what and why, and without secrets (T46)', async () => {
  const heard: ZtsCall[] = []
  await using it = await openEmbedded({ onCall: (one) => heard.push(one) })
  await it.zts.register(await registration(it, { attestationData: 'the document' }))
  await it.zts.register(await registration(it, { domain: 'nosuch' })).catch(() => undefined)
  await call(it, '/nowhere')
  expect(heard).toEqual(it.server.calls())
  const [issued, refused, lost] = heard
  const instance = { provider: it.provider, ...it.launched, instanceId: 'pod-1' }
  expect(issued).toMatchObject({ operation: 'register', ...instance, status: 201, callback: { status: 200 } })
  expect(issued?.serial).toMatch(/^[0-9A-F]{40}$/)
  expect(it.server.records.get(instance)?.current).toBe(issued?.serial)
  expect(refused).toMatchObject({ operation: 'register', status: 404, message: 'Domain not found: nosuch' })
  expect(lost).toMatchObject({ operation: 'unknown', status: 404 })
  expect(JSON.stringify(heard)).not.toContain('the document')
})

test('a fault of its own is a page for the client and a line in the log', async () => {
  const errors: unknown[] = []
  await using it = await openEmbedded({ log: { error: (fields: unknown) => void errors.push(fields) } as never })
  Object.defineProperty(it.world, 'domains', { get: () => { throw new Error('broken world') } })
  const refused = it.zts.register(await registration(it))
  await expect(refused).rejects.toMatchObject({ code: 'ZTS_BAD_ANSWER', status: 500 })
  expect(errors).toMatchObject([{ err: { message: 'broken world' } }])
})
