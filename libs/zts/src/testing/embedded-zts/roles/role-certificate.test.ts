import { type CsrNames, readCertificate } from '@pallas/x509'
import { describe, expect, test } from 'vitest'
import { askToken } from '../../contract-call.ts'
import { openEmbedded } from '../../open-embedded.ts'
import { certificateIn, opensslCsr } from '../instances/raw-register.ts'
import { askRole, pairOf, withReaders } from './role-calls.ts'

const OWN = 'athenz://principal/shop.web'
const INVALID = 'Unable to validate cert request'

async function open() {
  const it = await openEmbedded()
  withReaders(it)
  return { ...it, pair: await pairOf(it) }
}

const csrWith = (email: string) =>
  opensslCsr(['-subj', '/CN=shop:role.readers', '-addext', `subjectAltName=${email}`])

describe('a member gets a certificate of the role', () => {
  test('for clients, with the names of the CSR, for the wished life', async () => {
    await using it = await open()
    const uri = ['spiffe://shop/ra/readers', 'athenz://principal/shop.web']
    const { status, text } = await askRole(it, { uri }, { pair: it.pair })
    expect([status, Object.keys(JSON.parse(text) as object)]).toEqual([200, ['x509Certificate']])
    const certificate = certificateIn(text)
    expect(certificate).toMatchObject({ commonName: 'shop:role.readers', names: { uri } })
    expect(certificate.extendedKeyUsage).toEqual(['1.3.6.1.5.5.7.3.2'])
    expect(certificate.notAfter - certificate.notBefore).toBe(60 * 60_000)
    const { serial } = certificate
    const told = { operation: 'role-certificate', principal: 'shop.web', domain: 'shop', roles: ['readers'], serial }
    expect(it.server.calls()).toMatchObject([{ ...told, status: 200, expiryMinutes: 60 }])
  })

  test('by a token in place of a certificate', async () => {
    await using it = await openEmbedded()
    withReaders(it)
    it.world.domains['shop']!.roles['readers'] = ['k8s.admin.callback']
    const headers = { 'content-type': 'application/json', 'athenz-principal-auth': await it.owner.token() }
    const uri = ['athenz://principal/k8s.admin.callback']
    expect(await askRole(it, { uri }, { headers })).toMatchObject({ status: 200 })
  })

  test.each<[string, Partial<CsrNames>]>([
    ['SPIFFE by trust domain', { uri: [OWN, 'spiffe://athenz.io/ns/shop/ra/readers'] }],
    ['the DNS name and the address of the service', { dns: ['web.shop.svc.cluster.test'], ip: ['10.1.2.3'] }],
    ['another role of the same member', { commonName: 'shop:role.writers' }],
  ])('with %s', async (_name, names) => {
    await using it = await open()
    expect(await askRole(it, names, { pair: it.pair })).toMatchObject({ status: 200 })
  })

  test('again and again', async () => {
    await using it = await open()
    const [one, other] = [await askRole(it, {}, { pair: it.pair }), await askRole(it, {}, { pair: it.pair })]
    expect(certificateIn(one.text).serial).not.toBe(certificateIn(other.text).serial)
  })

  test.each<[string, number | undefined, number | undefined, number | undefined, number]>([
    ['no wish and no limit: what the signer likes', undefined, undefined, undefined, 43_200],
    ['zero is no wish', 0, 90, undefined, 90],
    ['the limit of the domain', 120, 90, undefined, 90],
    ['that of the role, though it be longer', 120, 90, 100, 100],
    ['a wish below every limit', 5, 90, 100, 5],
  ])('%s', async (_name, expiryTime, ofDomain, ofRole, minutes) => {
    await using it = await open()
    const shop = it.world.domains['shop']!
    if (ofDomain !== undefined) shop.roleCertExpiryMinutes = ofDomain
    if (ofRole !== undefined) shop.roleSettings = { readers: { certExpiryMinutes: ofRole } }
    const { text } = await askRole(it, {}, { pair: it.pair, fields: { expiryTime } })
    const { notBefore, notAfter } = certificateIn(text)
    expect((notAfter - notBefore) / 60_000).toBe(minutes)
  })

  test('by an e-mail address under the suffix, and under no other', async () => {
    await using it = await open()
    const ask = (email: string) => askRole(it, {}, { pair: it.pair, fields: { csr: csrWith(email) } })
    expect(await ask('email:shop.web@zts.svc.cluster.test')).toMatchObject({ status: 200 })
    expect(await ask('email:shop.web@zts.elsewhere.test')).toMatchObject({ status: 400, message: INVALID })
    expect(await ask('email:shop.web@svc.cluster.test')).toMatchObject({ status: 400, message: INVALID })
    expect(await ask('email:shop.till@zts.svc.cluster.test')).toMatchObject({ status: 400, message: INVALID })
    const two = 'email:shop.web@a.svc.cluster.test,email:shop.web@b.svc.cluster.test'
    expect(await ask(two)).toMatchObject({ status: 400, message: INVALID })
  })
})

describe('a CSR against a rule is refused with one text', () => {
  test.each<[string, Partial<CsrNames>]>([
    ['no proof of the principal', { uri: [] }],
    ['the proof of another', { uri: ['athenz://principal/shop.till'] }],
    ['the SPIFFE id of another role', { uri: [OWN, 'spiffe://shop/ra/writers'] }],
    ['the SPIFFE id of a service', { uri: [OWN, 'spiffe://shop/sa/web'] }],
    ['the SPIFFE id of another trust domain', { uri: [OWN, 'spiffe://x/ns/shop/ra/readers'] }],
    ['a URI of no known kind', { uri: [OWN, 'urn:x:y'] }],
    ['the DNS name of another service', { dns: ['till.shop.svc.cluster.test'] }],
    ['an address of another', { ip: ['10.9.9.9'] }],
    ['a host', { uri: [OWN, 'athenz://hostname/h1'] }],
    ['an instance', { uri: [OWN, 'athenz://instanceid/k8s.identity/pod-1'] }],
  ])('%s', async (_name, names) => {
    await using it = await open()
    expect(await askRole(it, names, { pair: it.pair })).toMatchObject({ status: 400, message: INVALID })
  })

  test('but an instance that the caller is', async () => {
    await using it = await open()
    const instance = 'athenz://instanceid/k8s.identity/pod-1'
    const pair = await pairOf(it, 'shop.web', [instance])
    expect(await askRole(it, { uri: [OWN, instance] }, { pair })).toMatchObject({ status: 200 })
  })
})

const notIncluded = (principal: string) =>
  `postrolecertificaterequestext: principal ${principal} is not included in the requested role(s) in domain shop`

describe('refusals', () => {
  test('of whoever is nobody', async () => {
    await using it = await open()
    expect(await askRole(it)).toMatchObject({ status: 401, message: 'Invalid credentials' })
  })

  test('of whoever is no member, and of a role that is none', async () => {
    await using it = await open()
    const pair = await pairOf(it, 'shop.till')
    expect(await askRole(it, {}, { pair })).toMatchObject({ status: 403, message: notIncluded('shop.till') })
    const none = await askRole(it, { commonName: 'shop:role.none' }, { pair: it.pair })
    expect(none).toMatchObject({ status: 403, message: notIncluded('shop.web') })
    expect(it.server.calls().map(({ status, roles }) => [status, roles])).toEqual([[403, ['readers']], [403, ['none']]])
  })

  test('of an unknown domain, a name that is no role, a CSR that is none', async () => {
    await using it = await open()
    const unknown = await askRole(it, { commonName: 'nosuch:role.readers' }, { pair: it.pair })
    expect(unknown).toMatchObject({ status: 404, message: 'No such domain: nosuch' })
    const message = 'Unable to parse PKCS10 CSR: Role Certificate CN is not a valid role: shop.web'
    expect(await askRole(it, { commonName: 'shop.web' }, { pair: it.pair })).toMatchObject({ status: 400, message })
    const none = await askRole(it, {}, { pair: it.pair, fields: { csr: 'none' } })
    expect(none).toMatchObject({ status: 400, message: 'Unable to parse PKCS10 CSR: Invalid csr provided' })
  })

  test('of whoever comes with a role certificate, which is a credential all the same', async () => {
    await using it = await open()
    const role = await it.ca.issue({ commonName: 'shop:role.readers', uri: ['athenz://principal/shop.web'] })
    expect(await askRole(it, {}, { pair: role })).toMatchObject({ status: 403 })
    expect(await askToken(it, { scope: 'shop:role.readers' }, { pair: role })).toMatchObject({ status: 200 })
    const more = await askToken(it, { scope: 'shop:domain' }, { pair: role })
    expect(more).toMatchObject({ status: 403, message: 'Role based Principal does not include all roles' })
    expect(it.server.calls().map(({ principal }) => principal)).toEqual(['shop.web', 'shop.web', 'shop.web'])
    const byEmail = await it.ca.issue({ commonName: 'shop:role.readers', email: ['shop.web@zts.svc.cluster.test'] })
    expect(await askToken(it, { scope: 'shop:role.readers' }, { pair: byEmail })).toMatchObject({ status: 200 })
    const nobody = await it.ca.issue({ commonName: 'shop:role.readers' })
    expect(await askToken(it, { scope: 'shop:role.readers' }, { pair: nobody })).toMatchObject({ status: 401 })
  })

  test('of a proxy that is none; one that is must say so', async () => {
    await using it = await open()
    const pair = await pairOf(it, 'bank.teller')
    const fields = { proxyForPrincipal: 'shop.web' }
    const uri = ['athenz://principal/shop.web', 'athenz://proxyuser/bank.teller']
    const names = { commonName: 'shop:role.writers', uri }
    const message = 'Principal: bank.teller not authorized for proxy role certificate request'
    expect(await askRole(it, names, { pair, fields })).toMatchObject({ status: 403, message })
    it.world.proxyUsers.push('bank.teller')
    expect(await askRole(it, names, { pair, fields })).toMatchObject({ status: 200 })
    const twice = { ...names, uri: [...uri, 'athenz://proxyuser/bank.till'] }
    expect(await askRole(it, twice, { pair, fields })).toMatchObject({ status: 400, message: INVALID })
    const unsaid = { ...names, uri: uri.slice(0, 1) }
    expect(await askRole(it, unsaid, { pair, fields })).toMatchObject({ status: 400, message: INVALID })
  })
})

test('a certificate that this ZTS issues for a role is one it knows the holder of', async () => {
  await using it = await open()
  const { text } = await askRole(it, {}, { pair: it.pair })
  const { x509Certificate } = JSON.parse(text) as { x509Certificate: string }
  expect(readCertificate(x509Certificate).names.uri).toEqual(['athenz://principal/shop.web'])
})
