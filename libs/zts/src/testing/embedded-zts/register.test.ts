import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createCsr, readCertificate } from '@pallas/x509'
import { nodeKey } from '@pallas/x509/testing'
import { describe, expect, test } from 'vitest'
import { namesFor, registration, type RegistrationChanges } from '../contract-world.ts'
import { type OpenEmbedded, openEmbedded } from '../open-embedded.ts'
import { yes } from '../test-callback.ts'
import { rawCall, type RawRequest } from './raw-client.ts'

const REGISTER = '/zts/v1/instance'

const call = (it: OpenEmbedded, request: Partial<RawRequest>) =>
  rawCall({ url: it.server.url, ca: it.server.caPem, path: REGISTER, ...request })

async function post(it: OpenEmbedded, changes: RegistrationChanges = {}, request: Partial<RawRequest> = {}) {
  const { expiryMinutes, ...body } = await registration(it, changes)
  return call(it, { body: JSON.stringify({ ...body, expiryTime: expiryMinutes }), ...request })
}

const attributesAsked = (it: OpenEmbedded): Record<string, string> =>
  (JSON.parse(it.callback.asked.at(-1)?.body ?? '{}') as { attributes: Record<string, string> }).attributes

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
    ['a service that is not for it', { domain: 'bank', service: 'teller' }, 403, "provider 'k8s.identity' not authorized to launch bank.teller instances"],
    ['a provider that is none', { provider: 'k8s.unlisted' }, 403, "provider 'k8s.unlisted' not authorized to launch instances in Athenz"],
    ['no document', { attestationData: '' }, 400, 'attestation data is required for x509 certificate request'],
    ['no CSR', { csr: '' }, 400, 'Audience is required for jwt SVID requests'],
    ['a CSR that is none', { csr: 'MII=' }, 400, 'unable to parse PKCS10 CSR: Invalid csr provided'],
    ['another common name', { names: { commonName: 'shop.till' } }, 400, 'CSR validation failed - Unable to validate CSR common name'],
    ['a foreign DNS name', { names: { dns: ['pod-1.instanceid.athenz.svc.cluster.test', 'a.test'] } }, 400, 'CSR validation failed - a.test does not end with provider/service configured suffix or hostname'],
    ['no instance id', { names: { dns: [] } }, 400, 'CSR validation failed - InstanceId cannot be empty'],
    ['a foreign SPIFFE id', { names: { uri: ['spiffe://shop/sa/till'] } }, 400, 'CSR validation failed - Unable to validate Service SPIFFE URI'],
    ['the SPIFFE id of the original suite', { names: { uri: ['spiffe://cluster.test/ns/shop/sa/cart'] } }, 400, 'CSR validation failed - Unable to validate Service SPIFFE URI'],
    ['two SPIFFE ids', { names: { uri: ['spiffe://shop/sa/cart', 'spiffe://x/y'] } }, 400, 'unable to parse PKCS10 CSR: Invalid SPIFFE URI present in CSR'],
    ['another host in a URI', { hostname: 'h1.test', names: { uri: ['athenz://hostname/h2.test'] } }, 400, 'CSR validation failed - Instance/Uri hostname mismatch: h1.test vs. h2.test'],
    ['a host name that nobody allowed', { hostname: 'h1.test' }, 400, 'CSR validation failed - Unable to validate Instance hostname: h1.test'],
    ['a service name with a dot', { service: 'a.b' }, 400, 'Invalid InstanceRegisterInformation error: String pattern mismatch (expected "[a-zA-Z0-9_][a-zA-Z0-9_-]*")  for type SimpleName in data.service'],
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
    ['a number for a name', '{"provider":1}', 'Invalid Object: checkout https://github.com/AthenZ/athenz/core/zts for object defintions'],
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
    expect(refused).toMatchObject({ status: 400, message: 'CSR validation failed - Unable to validate Subject O Field' })
    const afterwards = await post(it, { csr: csrFor('/O=Shop Inc/OU=till') })
    expect(afterwards).toMatchObject({ status: 400, message: 'CSR Subject OrgUnit validation failed' })
    expect(it.callback.asked).toHaveLength(1)
    expect(await post(it, { csr: csrFor('/O=Shop Inc/OU=k8s.identity') })).toMatchObject({ status: 201 })
  })

  test('two common names', async () => {
    await using it = await openEmbedded()
    const csr = opensslCsr(['-subj', '/CN=shop.cart/CN=shop.cart', ...sans(it)])
    const message =
      'unable to parse PKCS10 CSR: Unable to extract CN from CSR:CSR Subject contains multiple values for the same field.'
    expect(await post(it, { csr })).toMatchObject({ status: 400, message })
  })
})

describe('what a ZTS lets pass, so that the callback must decide', () => {
  const INSTANCE = 'pod-1.instanceid.athenz.svc.cluster.test'

  test.each<[string, RegistrationChanges, Record<string, string>]>([
    ['the DNS name of another service', { names: { dns: ['till.shop.svc.cluster.test', INSTANCE] } }, { sanDNS: `till.shop.svc.cluster.test,${INSTANCE}` }],
    ['a wildcard of another service', { names: { dns: ['*.till.shop.svc.cluster.test', INSTANCE] } }, { sanDNS: `*.till.shop.svc.cluster.test,${INSTANCE}` }],
    ['a wildcard of the own service, which it hides', { names: { dns: ['*.cart.shop.svc.cluster.test', INSTANCE] } }, { sanDNS: INSTANCE }],
    ['two instance ids in DNS names', { names: { dns: [INSTANCE, 'pod-2.instanceid.athenz.svc.cluster.test'] } }, { instanceId: 'pod-1' }],
    ['an instance id in a URI, which wins, of another provider and with a slash', { names: { uri: ['athenz://instanceid/somebody/a/b'] } }, { instanceId: 'a/b' }],
    ['an odd URI', { names: { uri: ['urn:x:y'] } }, { sanURI: 'urn:x:y' }],
    ['several addresses, IPv6 in full', { names: { ip: ['10.1.2.3', '::1', '2001:db8::ff00:42:8329'] } }, { sanIP: '10.1.2.3,0:0:0:0:0:0:0:1,2001:db8:0:0:0:ff00:42:8329' }],
    ['a cloud', { cloud: 'onprem' }, { instanceCloud: 'onprem' }],
  ])('%s', async (_name, changes, attributes) => {
    await using it = await openEmbedded()
    expect((await post(it, changes)).status).toBe(201)
    expect(attributesAsked(it)).toMatchObject(attributes)
  })

  test('a CSR whose own signature is broken', async () => {
    await using it = await openEmbedded()
    const [one, other] = [nodeKey(), nodeKey()]
    const csr = await createCsr(namesFor(it, 'pod-1'), { ...one, sign: (data) => other.sign(data) })
    expect((await post(it, { csr })).status).toBe(201)
  })

  test.each([
    ['a short RSA key', ['-newkey', 'rsa:1024']],
    ['a P-384 key', ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-384']],
    ['an Ed25519 key', ['-newkey', 'ed25519']],
    ['the old label', ['-newhdr']],
  ])('%s', async (_name, args) => {
    await using it = await openEmbedded()
    const csr = opensslCsr(['-subj', '/CN=shop.cart', ...args, ...sans(it)])
    const { status, text } = await post(it, { csr })
    expect(status).toBe(201)
    expect(readCertificate((JSON.parse(text) as { x509Certificate: string }).x509Certificate).commonName).toBe('shop.cart')
  })

  test('an e-mail address, which it certifies and hides', async () => {
    await using it = await openEmbedded()
    const csr = opensslCsr(['-subj', '/CN=shop.cart', '-addext', `subjectAltName=DNS:${INSTANCE},email:a@b.test`])
    const { text } = await post(it, { csr })
    const { names } = readCertificate((JSON.parse(text) as { x509Certificate: string }).x509Certificate)
    expect(names.email).toEqual(['a@b.test'])
    expect(it.callback.asked.at(-1)?.body).not.toContain('a@b.test')
  })

  test('names under the DNS suffix of the domain itself, which it hides', async () => {
    await using it = await openEmbedded()
    it.world.domains['shop']!.certDnsDomain = 'shop.test'
    await post(it, { names: { dns: ['www.shop.test', INSTANCE] } })
    expect(attributesAsked(it)['sanDNS']).toBe(INSTANCE)
  })

  test('a host name under a suffix that the provider has, and not under one it is denied', async () => {
    await using it = await openEmbedded()
    const { policies } = it.world.domains['sys.auth']!
    policies.push({ role: 'providers', action: 'launch', resource: 'sys.auth:hostname.hosts.test' })
    policies.push({ role: 'providers', action: 'launch', resource: 'sys.auth:hostname.bad.hosts.test', effect: 'deny' })
    const accepted = await post(it, { hostname: 'h1.hosts.test', names: { dns: ['h1.hosts.test', INSTANCE] } })
    expect(accepted.status).toBe(201)
    expect(attributesAsked(it)).toMatchObject({ hostname: 'h1.hosts.test', sanDNS: `h1.hosts.test,${INSTANCE}` })
    expect((await post(it, { hostname: 'h1.bad.hosts.test' })).status).toBe(400)
  })

  test('64 KiB of attestation data and fields it does not know', async () => {
    await using it = await openEmbedded()
    const body = { ...(await registration(it, { attestationData: 'd'.repeat(65_536) })), somethingElse: { a: [1] } }
    expect((await call(it, { body: JSON.stringify(body) })).status).toBe(201)
  })

  test('no common name with a SPIFFE id, and neither is refused', async () => {
    await using it = await openEmbedded()
    const spiffe = opensslCsr(['-subj', '/', '-addext', `subjectAltName=DNS:${INSTANCE},URI:spiffe://shop/sa/cart`])
    expect((await post(it, { csr: spiffe })).status).toBe(201)
    const neither = opensslCsr(['-subj', '/', ...sans(it)])
    const message = 'CSR validation failed - CSR contains neither a CommonName nor a SPIFFE URI'
    expect(await post(it, { csr: neither })).toMatchObject({ status: 400, message })
  })
})

test('the cap of the domain holds over every wish', async () => {
  await using it = await openEmbedded()
  it.world.domains['shop']!.serviceCertExpiryMinutes = 10
  await post(it, { expiryMinutes: 60 })
  await post(it)
  await post(it, { expiryMinutes: 5 })
  expect(it.server.calls().map(({ expiryMinutes }) => expiryMinutes)).toEqual([10, 10, 5])
})

test('a wish of 190 years is granted, without a cap', async () => {
  await using it = await openEmbedded()
  const { text } = await post(it, { expiryMinutes: 99_999_999 })
  const { notBefore, notAfter } = readCertificate((JSON.parse(text) as { x509Certificate: string }).x509Certificate)
  expect(notAfter - notBefore).toBe(99_999_999 * 60_000)
})

const sans = (it: OpenEmbedded): string[] => [
  '-addext',
  `subjectAltName=${namesFor(it, 'pod-1').dns.map((dns) => `DNS:${dns}`).join(',')}`,
]

function opensslCsr(args: readonly string[]): string {
  const dir = mkdtempSync(join(tmpdir(), 'zts-'))
  try {
    const key = args.includes('-newkey') ? [] : ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256']
    const files = ['-keyout', join(dir, 'key'), '-out', join(dir, 'csr')]
    execFileSync('openssl', ['req', '-new', '-nodes', ...key, ...args, ...files], { stdio: 'pipe' })
    return readFileSync(join(dir, 'csr'), 'utf8')
  } finally {
    rmSync(dir, { recursive: true })
  }
}
