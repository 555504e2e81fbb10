import { createCsr } from '@pallas/x509'
import { nodeKey } from '@pallas/x509/testing'
import { describe, expect, test } from 'vitest'
import { namesFor, registration, type RegistrationChanges } from '../../contract-world.ts'
import { openEmbedded } from '../../open-embedded.ts'
import { attributesAsked, call, certificateIn, opensslCsr, post, sans } from './raw-register.ts'

describe('what a ZTS lets pass, so that the callback must decide', () => {
  const INSTANCE = 'pod-1.instanceid.athenz.svc.cluster.test'

  test.each<[string, RegistrationChanges, Record<string, string>]>([
    [
      'the DNS name of another service',
      { names: { dns: ['till.shop.svc.cluster.test', INSTANCE] } },
      { sanDNS: `till.shop.svc.cluster.test,${INSTANCE}` },
    ],
    [
      'a wildcard of another service',
      { names: { dns: ['*.till.shop.svc.cluster.test', INSTANCE] } },
      { sanDNS: `*.till.shop.svc.cluster.test,${INSTANCE}` },
    ],
    [
      'a wildcard of the own service, which it hides',
      { names: { dns: ['*.cart.shop.svc.cluster.test', INSTANCE] } },
      { sanDNS: INSTANCE },
    ],
    [
      'two instance ids in DNS names',
      { names: { dns: [INSTANCE, 'pod-2.instanceid.athenz.svc.cluster.test'] } },
      { instanceId: 'pod-1' },
    ],
    [
      'an instance id in a URI, which wins, of another provider and with a slash',
      { names: { uri: ['athenz://instanceid/somebody/a/b'] } },
      { instanceId: 'a/b' },
    ],
    ['an odd URI', { names: { uri: ['urn:x:y'] } }, { sanURI: 'urn:x:y' }],
    [
      'several addresses, IPv6 in full',
      { names: { ip: ['10.1.2.3', '::1', '2001:db8::ff00:42:8329'] } },
      { sanIP: '10.1.2.3,0:0:0:0:0:0:0:1,2001:db8:0:0:0:ff00:42:8329' },
    ],
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
    expect(certificateIn(text).commonName).toBe('shop.cart')
  })

  test('an e-mail address, which it certifies and hides', async () => {
    await using it = await openEmbedded()
    const csr = opensslCsr(['-subj', '/CN=shop.cart', '-addext', `subjectAltName=DNS:${INSTANCE},email:a@b.test`])
    const { text } = await post(it, { csr })
    const { names } = certificateIn(text)
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
  const { notBefore, notAfter } = certificateIn(text)
  expect(notAfter - notBefore).toBe(99_999_999 * 60_000)
})
