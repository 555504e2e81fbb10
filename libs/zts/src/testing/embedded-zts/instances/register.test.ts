import { describe, expect, test } from 'vitest'
import type { RegistrationChanges } from '../../contract-world.ts'
import { openEmbedded } from '../../open-embedded.ts'
import { yes } from '../../test-callback.ts'
import { attributesAsked, call, opensslCsr, post, sans } from './raw-register.ts'

const INVALID = 'Invalid InstanceRegisterInformation'
const SIMPLE_NAME = '[a-zA-Z0-9_][a-zA-Z0-9_-]*'

describe('register on the wire', () => {
  test('the answer says where the instance is, and has the headers of every answer', async () => {
    await using it = await openEmbedded()
    const { status, headers, text } = await post(it)
    expect(status).toBe(201)
    expect(headers['location']).toBe(`${it.server.url.origin}/zts/v1/instance/k8s.identity/shop/cart/pod-1`)
    expect(headers['strict-transport-security']).toContain('max-age')
    expect(headers['host']).toBe(it.server.url.host)
    const keys = ['provider', 'name', 'instanceId', 'x509Certificate', 'x509CertificateSigner']
    expect(Object.keys(JSON.parse(text) as object)).toEqual(keys)
  })

  test('attributes that are not honoured reach the client, the others do not', async () => {
    await using it = await openEmbedded()
    it.callback.say(() => yes({ certUsage: 'client', certExpiryTime: '5', hello: 'world', n: 1 }))
    const { text } = await post(it)
    expect(JSON.parse(text)).toMatchObject({ attributes: { hello: 'world', n: '1' } })
    expect(text).not.toContain('certUsage')
  })

  test('names in upper case are lowered', async () => {
    await using it = await openEmbedded()
    const { text } = await post(it, { domain: 'SHOP', service: 'Cart', provider: 'K8s.Identity' })
    expect(JSON.parse(text)).toMatchObject({ name: 'shop.cart', provider: 'k8s.identity' })
  })

  test('the last address that a local proxy names is the client', async () => {
    await using it = await openEmbedded()
    const headers = { 'content-type': 'application/json', 'x-forwarded-for': '10.1.1.1,10.2.2.2 , 10.9.8.7' }
    await post(it, {}, { headers })
    expect(attributesAsked(it)['clientIP']).toBe('10.9.8.7')
  })

  test('what anybody else names as a client does not count', async () => {
    await using it = await openEmbedded()
    const headers = { 'content-type': 'application/json', 'x-forwarded-for': '10.9.8.7' }
    await post(it, {}, { headers, localAddress: '127.0.0.2' })
    expect(attributesAsked(it)['clientIP']).toBe('127.0.0.2')
  })

  test('a client certificate adds what it says to the question', async () => {
    await using it = await openEmbedded()
    const pair = await it.ca.issue({ commonName: 'Shop.Agent' })
    await post(it, {}, { pair })
    expect(attributesAsked(it)).toMatchObject({
      principal: 'shop.agent',
      certIssuerDn: 'CN=services',
      certSubjectDn: 'CN=Shop.Agent',
      certRsaModHash: '',
    })
  })
})

describe('refusals of register', () => {
  test.each<[string, RegistrationChanges, number, string]>([
    ['an unknown domain', { domain: 'nosuch' }, 404, 'Domain not found: nosuch'],
    ['a domain named like an inherited thing', { domain: 'constructor' }, 404, 'Domain not found: constructor'],
    ['an unknown service', { service: 'nosuch' }, 400, 'Service not registered in domain'],
    [
      'a service that is not for it',
      { domain: 'bank', service: 'teller' },
      403,
      "provider 'k8s.identity' not authorized to launch bank.teller instances",
    ],
    [
      'a provider that is none',
      { provider: 'k8s.unlisted' },
      403,
      "provider 'k8s.unlisted' not authorized to launch instances in Athenz",
    ],
    ['no document', { attestationData: '' }, 400, 'attestation data is required for x509 certificate request'],
    ['no CSR', { csr: '' }, 400, 'Audience is required for jwt SVID requests'],
    ['a CSR that is none', { csr: 'MII=' }, 400, 'unable to parse PKCS10 CSR: Invalid csr provided'],
    [
      'another common name',
      { names: { commonName: 'shop.till' } },
      400,
      'CSR validation failed - Unable to validate CSR common name',
    ],
    [
      'a foreign DNS name',
      { names: { dns: ['pod-1.instanceid.athenz.svc.cluster.test', 'a.test'] } },
      400,
      'CSR validation failed - a.test does not end with provider/service configured suffix or hostname',
    ],
    ['no instance id', { names: { dns: [] } }, 400, 'CSR validation failed - InstanceId cannot be empty'],
    [
      'a foreign SPIFFE id',
      { names: { uri: ['spiffe://shop/sa/till'] } },
      400,
      'CSR validation failed - Unable to validate Service SPIFFE URI',
    ],
    [
      'the SPIFFE id of the original suite',
      { names: { uri: ['spiffe://cluster.test/ns/shop/sa/cart'] } },
      400,
      'CSR validation failed - Unable to validate Service SPIFFE URI',
    ],
    [
      'two SPIFFE ids',
      { names: { uri: ['spiffe://shop/sa/cart', 'spiffe://x/y'] } },
      400,
      'unable to parse PKCS10 CSR: Invalid SPIFFE URI present in CSR',
    ],
    [
      'another host in a URI',
      { hostname: 'h1.test', names: { uri: ['athenz://hostname/h2.test'] } },
      400,
      'CSR validation failed - Instance/Uri hostname mismatch: h1.test vs. h2.test',
    ],
    [
      'a host name that nobody allowed',
      { hostname: 'h1.test' },
      400,
      'CSR validation failed - Unable to validate Instance hostname: h1.test',
    ],
    [
      'a service name with a dot',
      { service: 'a.b' },
      400,
      `${INVALID} error: String pattern mismatch (expected "${SIMPLE_NAME}")  for type SimpleName in data.service`,
    ],
  ])('%s', async (_name, changes, status, message) => {
    await using it = await openEmbedded()
    expect(await post(it, changes)).toMatchObject({ status, message })
    expect(it.callback.asked).toEqual([])
  })

  test.each([
    ['nothing', '', 'Missing or malformed InstanceRegisterInformation'],
    ['null', 'null', 'Missing or malformed InstanceRegisterInformation'],
    ['no json', '{', 'Invalid Object: checkout https://github.com/AthenZ/athenz/core/zts for object defintions'],
    ['a list', '[]', 'Invalid Object: checkout https://github.com/AthenZ/athenz/core/zts for object defintions'],
    [
      'a number for a name',
      '{"provider":1}',
      'Invalid Object: checkout https://github.com/AthenZ/athenz/core/zts for object defintions',
    ],
    ['an empty object', '{}', 'Invalid InstanceRegisterInformation error: Missing required field: provider'],
  ])('a body of %s', async (_name, body, message) => {
    await using it = await openEmbedded()
    expect(await call(it, { body })).toMatchObject({ status: 400, message })
  })

  test('a provider without an endpoint', async () => {
    await using it = await openEmbedded()
    delete it.world.domains['k8s']!.services['identity']!.providerEndpoint
    expect(await post(it)).toMatchObject({ status: 400, message: 'unable to get instance for provider: k8s.identity' })
  })

  test('an organization that is not allowed, and a unit that is not the provider', async () => {
    await using it = await openEmbedded()
    it.world.allowedOrganizations = ['Shop Inc']
    it.world.verifyOrganizationalUnit = true
    const csrFor = (subject: string) => opensslCsr(['-subj', `${subject}/CN=shop.cart`, ...sans(it)])
    const refused = await post(it, { csr: csrFor('/O=Bank') })
    const organization = 'CSR validation failed - Unable to validate Subject O Field'
    expect(refused).toMatchObject({ status: 400, message: organization })
    const afterwards = await post(it, { csr: csrFor('/O=Shop Inc/OU=till') })
    expect(afterwards).toMatchObject({ status: 400, message: 'CSR Subject OrgUnit validation failed' })
    expect(it.callback.asked).toHaveLength(1)
    expect(await post(it, { csr: csrFor('/O=Shop Inc/OU=k8s.identity') })).toMatchObject({ status: 201 })
  })

  test('two common names', async () => {
    await using it = await openEmbedded()
    const csr = opensslCsr(['-subj', '/CN=shop.cart/CN=shop.cart', ...sans(it)])
    const problem = 'Unable to extract CN from CSR:CSR Subject contains multiple values for the same field.'
    expect(await post(it, { csr })).toMatchObject({ status: 400, message: `unable to parse PKCS10 CSR: ${problem}` })
  })
})
