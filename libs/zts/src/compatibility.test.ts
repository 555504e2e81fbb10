/** The wire forms of the original, row by row: its calls of ZTS, and what ZTS asks of its callback. */
import { TestCa } from '@pallas/x509/testing'
import { describe, expect, test } from 'vitest'
import { formatConfirmationAnswer, parseInstanceConfirmation, PROVIDER_ROUTES } from './provider-api.ts'
import { instanceOf } from './testing/contract-world.ts'
import { openEmbedded } from './testing/open-embedded.ts'
import { CERTIFICATE, identityAnswer, openScriptedZts } from './testing/scripted-zts.ts'
import type { Zts } from './zts.ts'

const whose = { provider: 'k8s.identity', domain: 'shop', service: 'cart' }
const ntoken = 'v=S1;d=shop;n=cart;s=x'

const register = (zts: Zts) => zts.register({ ...whose, attestationData: 'jwt', csr: 'csr', token: true })

async function refresh(zts: Zts): Promise<unknown> {
  const credentials = await (await TestCa.create()).issue({ commonName: 'shop.cart' })
  return zts.refresh({ ...whose, instanceId: 'pod-1', csr: 'csr', token: true, credentials })
}

const refreshService = (zts: Zts) =>
  zts.refreshService({ domain: 'shop', service: 'cart', csr: 'csr', expiryMinutes: 1_440, token: ntoken })

const serviceAnswer = JSON.stringify({ name: 'shop.cart', certificate: CERTIFICATE, caCertBundle: 'roots' })

interface Call {
  readonly name: string
  readonly ask: (zts: Zts) => Promise<unknown>
  readonly path: string
  readonly body: object
  readonly status: 200 | 201
  readonly answer: string
  readonly used: object
}

const USED = { x509Certificate: CERTIFICATE, x509CertificateSigner: 'roots', serviceToken: ntoken, instanceId: 'pod-1' }

const CALLS: readonly Call[] = [
  {
    name: '8.1 register',
    ask: register,
    path: '/zts/v1/instance',
    body: { ...whose, attestationData: 'jwt', csr: 'csr', token: true },
    status: 201,
    answer: identityAnswer({ serviceToken: ntoken, attributes: { more: 'x' } }),
    used: USED,
  },
  {
    name: '8.2 refresh',
    ask: refresh,
    path: '/zts/v1/instance/k8s.identity/shop/cart/pod-1',
    body: { csr: 'csr', token: true },
    status: 200,
    answer: identityAnswer({ serviceToken: ntoken }),
    used: USED,
  },
  {
    name: '8.3 key-owner',
    ask: refreshService,
    path: '/zts/v1/instance/shop/cart/refresh',
    // The original wrote seconds into a field that ZTS reads as minutes.
    body: { csr: 'csr', expiryTime: 1_440 },
    status: 200,
    answer: serviceAnswer,
    used: { certificate: CERTIFICATE, caCertBundle: 'roots' },
  },
]

describe.each(CALLS)('$name', ({ ask, path, body, status, answer, used }) => {
  test('is a POST of JSON to the path of the original, with its fields (C8)', async () => {
    await using it = await openScriptedZts(status, answer)
    await ask(it.zts)
    const [sent] = it.sent
    expect([it.sent.length, sent?.method, sent?.path]).toEqual([1, 'POST', path])
    expect(sent?.headers['content-type']).toBe('application/json')
    expect(JSON.parse(sent?.body ?? '')).toEqual(body)
  })

  test('takes the status and the fields that the original took (C8)', async () => {
    await using it = await openScriptedZts(status, answer)
    expect(await ask(it.zts)).toEqual(used)
  })

  test.each([200, 201, 202, 204].filter((other) => other !== status))('takes no %d for it (C8)', async (other) => {
    await using it = await openScriptedZts(other, other === 204 ? '' : answer)
    await expect(ask(it.zts)).rejects.toMatchObject({ code: 'ZTS_BAD_ANSWER', status: other })
  })

  test('reads the error object of ZTS (C8)', async () => {
    await using it = await openScriptedZts(403, '{"code":403,"message":"no"}')
    await expect(ask(it.zts)).rejects.toMatchObject({ code: 'ZTS_REFUSED', status: 403, detail: 'no' })
  })

  test('deviation: a status without that object refuses nothing, where any text did (C8)', async () => {
    await using it = await openScriptedZts(403, 'no')
    await expect(ask(it.zts)).rejects.toMatchObject({ code: 'ZTS_BAD_ANSWER', retryable: true })
  })
})

test('8.2 refresh presents the previous certificate (C8)', async () => {
  await using it = await openEmbedded()
  const { first, refresh: next } = await instanceOf(it)
  await next(first)
  expect(it.server.calls()).toMatchObject([
    { operation: 'register', status: 201 },
    { operation: 'refresh', status: 200, principal: 'shop.cart' },
  ])
})

test('deviation: 8.2 refresh may bring a fresh document, where the original had none (C8)', async () => {
  await using it = await openScriptedZts(200, identityAnswer())
  const credentials = await (await TestCa.create()).issue({ commonName: 'shop.cart' })
  await it.zts.refresh({ ...whose, instanceId: 'pod-1', csr: 'csr', attestationData: 'jwt', credentials })
  expect(JSON.parse(it.sent[0]?.body ?? '')).toEqual({ csr: 'csr', attestationData: 'jwt' })
})

test.each([
  ['the header of the original', undefined, 'athenz-principal-auth'],
  ['another, where ZTS is set to it', 'X-Service-Auth', 'x-service-auth'],
])('8.3 key-owner sends its token in %s (C8)', async (_name, header, name) => {
  await using it = await openScriptedZts(200, serviceAnswer)
  const request = { domain: 'shop', service: 'cart', csr: 'csr', expiryMinutes: 60, token: ntoken }
  await it.zts.refreshService(header === undefined ? request : { ...request, header })
  expect(it.sent[0]?.headers[name]).toBe(ntoken)
})

test('deviation: a name that no path can hold is not sent, where it was woven in (W1, C8)', async () => {
  await using it = await openScriptedZts(200, serviceAnswer)
  const request = { domain: 'shop', csr: 'csr', expiryMinutes: 60, token: ntoken }
  const refused = it.zts.refreshService({ ...request, service: '../../instance' })
  await expect(refused).rejects.toMatchObject({ code: 'ZTS_REFUSED' })
  expect(it.sent).toEqual([])
})

describe('the InstanceConfirmation', () => {
  const confirmation = { ...whose, attestationData: 'jwt' }

  test.each([
    ['register of the original', PROVIDER_ROUTES.identity, '/identity'],
    ['register of a real ZTS', PROVIDER_ROUTES.register, '/instance'],
    ['refresh of a real ZTS', PROVIDER_ROUTES.refresh, '/refresh'],
  ])('comes to a path of its own: %s (C8, C9)', (_name, path, expected) => {
    expect(path).toBe(expected)
  })

  test.each([
    ['provider', 'k8s.identity'],
    ['domain', 'shop'],
    ['service', 'cart'],
    ['attestationData', 'jwt'],
  ])('has the field %s (C8)', (field, value) => {
    expect(parseInstanceConfirmation(confirmation)).toMatchObject({ [field]: value })
  })

  test.each(['provider', 'domain', 'service'])('is none without %s (C8, C9)', (field) => {
    for (const value of [undefined, '']) {
      const body = { ...confirmation, [field]: value }
      expect(() => parseInstanceConfirmation(body)).toThrow(expect.objectContaining({ code: 'BODY_INVALID' }))
    }
  })

  test('deviation: without a document it is one all the same, and denied later (C8)', () => {
    expect(parseInstanceConfirmation(whose)).toMatchObject({ ...whose, attestationData: undefined })
  })

  test.each([
    ['sanDNS', 'a.test,b.test', { sanDns: ['a.test', 'b.test'] }],
    ['sanIP', '10.1.2.3,10.1.2.4', { sanIp: ['10.1.2.3', '10.1.2.4'] }],
    ['clientIP', '10.9.8.7', { clientIp: '10.9.8.7' }],
    ['sanURI', 'spiffe://shop/sa/cart', { sanUri: ['spiffe://shop/sa/cart'] }],
    ['instanceId', 'pod-1', { instanceId: 'pod-1' }],
    ['hostname', 'h1.test', { hostname: 'h1.test' }],
    ['one that nobody knows', 'x', {}],
  ])('may have the attribute %s, a text (C8)', (key, text, attributes) => {
    const read = parseInstanceConfirmation({ ...confirmation, attributes: { [key]: text } })
    expect(read).toMatchObject({ ...confirmation, attributes })
  })

  test('is echoed as a yes, in its own five fields (C8, C9)', () => {
    const yes = JSON.parse(formatConfirmationAnswer(parseInstanceConfirmation(confirmation))) as object
    expect(Object.keys(yes)).toEqual(['provider', 'domain', 'service', 'attestationData', 'attributes'])
    expect(yes).toMatchObject(whose)
  })

  test('deviation: the document is not sent back, nor any attribute that ZTS would hand to the pod (C8)', () => {
    const attributes = { sanDNS: 'a.test' }
    const asked = parseInstanceConfirmation({ ...confirmation, attributes })
    expect(JSON.parse(formatConfirmationAnswer(asked))).toMatchObject({ attestationData: '', attributes: {} })
  })
})
