import { createCsr, readCertificate } from '@pallas/x509'
import { nodeKey, TestCa } from '@pallas/x509/testing'
import { describe, expect, test } from 'vitest'
import { instanceOf, namesFor, registration, type RegistrationChanges } from '../../contract-world.ts'
import { type OpenEmbedded, openEmbedded } from '../../open-embedded.ts'
import { yes } from '../../test-callback.ts'
import { rawCall, type RawRequest } from '../../raw-client.ts'

const PATH = '/zts/v1/instance/k8s.identity/shop/cart/pod-1'

const call = (it: OpenEmbedded, request: Partial<RawRequest>) =>
  rawCall({ url: it.server.url, ca: it.server.caPem, path: PATH, ...request })

/** A registered instance whose pair can be presented by hand. */
async function open() {
  const it = await openEmbedded()
  const key = nodeKey()
  const { x509Certificate } = await it.zts.register(await registration(it, { key }))
  const pair = { keyPem: key.pem, certPem: x509Certificate }
  const refreshBody = async (changes: RegistrationChanges = {}) =>
    JSON.stringify({ csr: (await registration(it, changes)).csr, ...('csr' in changes ? { csr: changes.csr } : {}) })
  return { ...it, pair, refreshBody }
}

describe('refusals of refresh', () => {
  test('the certificate of another service (W38)', async () => {
    await using it = await open()
    const pair = await it.ca.issue({ commonName: 'shop.checkout' })
    const message = 'Principal mismatch: shop.cart vs. shop.checkout'
    expect(await call(it, { body: await it.refreshBody(), pair })).toMatchObject({ status: 400, message })
  })

  test('no certificate (W38)', async () => {
    await using it = await open()
    const answer = await call(it, { body: await it.refreshBody() })
    expect(answer).toMatchObject({ status: 401, message: 'Invalid credentials' })
    expect(answer.rawHeaders.filter((_, at, all) => all[at - 1] === 'WWW-Authenticate')).toEqual([
      'AthenzPrincipalToken realm="athenz"',
      'AthenzX509Certificate realm="athenz"',
    ])
  })

  test('a service token in place of a certificate', async () => {
    await using it = await open()
    const token = await it.owner.token()
    const { serviceToken = '' } = await it.zts.register(await registration(it, { token: true }))
    const headers = { 'content-type': 'application/json', 'athenz-principal-auth': serviceToken }
    const body = await it.refreshBody()
    const message = 'Unsupported authority for TLS Certs: com.yahoo.athenz.auth.impl.PrincipalAuthority'
    expect(await call(it, { body, headers })).toMatchObject({ status: 400, message })
    const other = { ...headers, 'athenz-principal-auth': token }
    const mismatch = 'Principal mismatch: shop.cart vs. k8s.admin.callback'
    expect(await call(it, { body, headers: other })).toMatchObject({ status: 400, message: mismatch })
  })

  test.each<[string, RegistrationChanges, string]>([
    ['no CSR', { csr: '' }, 'no csr provided'],
    ['another instance id in the CSR', { instanceId: 'pod-2' }, 'CSR validation failed - instance id mismatch'],
    [
      'a foreign common name',
      { names: { commonName: 'bank.teller' } },
      'CSR validation failed - Unable to validate CSR common name',
    ],
  ])('%s', async (_name, changes, message) => {
    await using it = await open()
    const answer = await call(it, { body: await it.refreshBody(changes), pair: it.pair })
    expect(answer).toMatchObject({ status: 400, message })
  })

  test('the path of another instance', async () => {
    await using it = await open()
    const path = PATH.replace('pod-1', 'pod-2')
    const message = 'CSR validation failed - instance id mismatch'
    const answer = await call(it, { path, body: await it.refreshBody(), pair: it.pair })
    expect(answer).toMatchObject({ status: 400, message })
  })

  test('the certificate of another instance (W38)', async () => {
    await using it = await open()
    const key = nodeKey()
    const other = await it.zts.register(await registration(it, { key, instanceId: 'pod-2' }))
    const pair = { keyPem: key.pem, certPem: other.x509Certificate }
    const message = 'CSR validation failed - instance id mismatch'
    expect(await call(it, { body: await it.refreshBody(), pair })).toMatchObject({ status: 400, message })
  })

  test('a provider that may no longer launch, and a service that is gone', async () => {
    await using it = await open()
    const shop = it.world.domains['shop']!
    const policies = shop.policies
    shop.policies = []
    const message = "provider 'k8s.identity' not authorized to launch shop.cart instances"
    expect(await call(it, { body: await it.refreshBody(), pair: it.pair })).toMatchObject({ status: 403, message })
    shop.policies = policies
    shop.services = {}
    const gone = 'Service not registered in domain'
    const answer = await call(it, { body: await it.refreshBody(), pair: it.pair })
    expect(answer).toMatchObject({ status: 400, message: gone })
  })

  test.each(['Certificate revoked', 'Unable to find certificate record'])('%s', async (message) => {
    await using it = await open()
    if (message === 'Certificate revoked') await it.zts.register(await registration(it))
    else await it.asProvider.deleteInstance({ provider: it.provider, ...it.launched, instanceId: 'pod-1' })
    expect(await call(it, { body: await it.refreshBody(), pair: it.pair })).toMatchObject({ status: 403, message })
  })

  test.each<[string, (it: OpenEmbedded) => Promise<{ keyPem: string; certPem: string }>]>([
    ['expired', (it) => it.ca.issue({ commonName: 'shop.cart', notBefore: 1_000_000_000_000, lifeMs: 1_000 })],
    ['without a subject', (it) => subjectless(it)],
    ['of another CA', async () => (await TestCa.create({ name: 'services' })).issue({ commonName: 'shop.cart' })],
  ])('a certificate that is %s gets no answer at all', async (_name, pairFor) => {
    await using it = await open()
    const asked = call(it, { body: await it.refreshBody(), pair: await pairFor(it) })
    await expect(asked).rejects.toThrow()
    expect(it.server.calls()).toHaveLength(1)
  })

  test('a certificate that is restricted to mutual TLS', async () => {
    await using it = await open()
    const pair = await it.ca.issue({ commonName: 'shop.cart', ou: 'pods:restricted' })
    const answer = await call(it, { body: await it.refreshBody(), pair })
    expect(answer).toMatchObject({ status: 401, message: 'certificate is mTLS restricted' })
    expect(answer.headers['www-authenticate']).toBeUndefined()
  })
})

test('the question of a refresh has a principal and no certificate facts', async () => {
  await using it = await open()
  await call(it, { body: await it.refreshBody(), pair: it.pair })
  const { attributes } = JSON.parse(it.callback.asked.at(-1)?.body ?? '') as { attributes: object }
  expect(Object.keys(attributes)).toEqual(['principal', 'instanceId', 'sanIP', 'clientIP', 'sanURI', 'sanDNS'])
})

test('a provider that says no refresh on refresh gets the record skipped, not the certificate denied', async () => {
  await using it = await openEmbedded()
  const { first, refresh, register } = await instanceOf(it)
  await register()
  it.callback.say(() => yes({ certRefresh: 'false' }))
  await refresh(first)
})

describe('certificates that are not what was asked for', () => {
  test.each(['names', 'key', 'expired', 'chain'] as const)('a wrong one by its %s', async (defect) => {
    await using it = await openEmbedded()
    const key = nodeKey()
    it.server.faults.wrongCertificate(defect)
    const identity = await it.zts.register(await registration(it, { key }))
    const certificate = readCertificate(identity.x509Certificate)
    const wrong = {
      names: certificate.names.dns.join(',') !== namesFor(it, 'pod-1').dns.join(','),
      key: Buffer.compare(certificate.spki, key.spki) !== 0,
      expired: certificate.notAfter < Date.now(),
      chain: Buffer.compare(certificate.issuer, readCertificate(it.ca.certPem).subjectDer) !== 0,
    }
    expect(wrong).toEqual({ names: false, key: false, expired: false, chain: false, [defect]: true })
  })
})

describe('the key-owner flow with a certificate', () => {
  test('its own certificate refreshes itself', async () => {
    await using it = await owned()
    const { path, pair, csr } = it
    const answer = await call(it, { path, pair, body: JSON.stringify({ csr, keyId: 'v1' }) })
    expect(answer.status).toBe(200)
    expect(Object.keys(JSON.parse(answer.text) as object)).toEqual(['name', 'certificate', 'caCertBundle'])
  })

  test('for the same names, with a key that is registered', async () => {
    await using it = await owned()
    const { path, pair, names, csr } = it
    const fewer = await createCsr({ ...names, dns: [] }, it.owner.key)
    const refused = await call(it, { path, pair, body: JSON.stringify({ csr: fewer, keyId: 'v1' }) })
    expect(refused).toMatchObject({ status: 400, message: 'Invalid CSR - data mismatch' })
    const unknown = await call(it, { path, pair, body: JSON.stringify({ csr, keyId: 'v7' }) })
    expect(unknown).toMatchObject({ status: 400, message: expect.stringContaining('Unable to retrieve public key') })
  })

  test('not for somebody else, unless that one may update the service', async () => {
    await using it = await owned()
    const { path, csr } = it
    const pair = await it.ca.issue({ commonName: 'shop.cart' })
    const body = JSON.stringify({ csr, keyId: 'v1' })
    expect(await call(it, { path, pair, body })).toMatchObject({ status: 400 })
    const domain = it.world.domains['k8s.admin']!
    domain.roles['admins'] = ['shop.*']
    domain.policies.push({ role: 'admins', action: 'update', resource: 'k8s.admin:service' })
    expect(await call(it, { path, pair, body })).toMatchObject({ status: 200 })
  })
})

/** A service that got its first certificate by its token. */
async function owned() {
  const it = await openEmbedded()
  const { domain, service, key, token } = it.owner
  const names = { commonName: 'k8s.admin.callback', dns: ['callback.k8s-admin.svc.cluster.test'], ip: [], uri: [] }
  const csr = await createCsr(names, key)
  const ask = { domain, service, csr, expiryMinutes: 60, token: await token() }
  const { certificate } = await it.zts.refreshService(ask)
  const path = '/zts/v1/instance/k8s.admin/callback/refresh'
  return { ...it, names, csr, path, pair: { keyPem: key.pem, certPem: certificate } }
}

/** As it is issued for a CSR with a SPIFFE id and no common name. */
async function subjectless({ ca }: OpenEmbedded) {
  const { spki, pem } = nodeKey()
  const names = { dns: [], ip: [], email: [], uri: ['spiffe://shop/sa/cart'], other: 0 }
  const { certPem } = await ca.sign({ spki, subject: [], names }, { lifeMs: 3_600_000 })
  return { keyPem: pem, certPem }
}
