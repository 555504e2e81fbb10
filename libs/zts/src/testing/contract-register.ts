/** Register: what is certified, what is refused before anybody else is asked. */
import { parseNToken } from '@pallas/identity'
import { readCertificate, sameBytes } from '@pallas/x509'
import { nodeKey } from '@pallas/x509/testing'
import { expect, test } from 'vitest'
import { parseInstanceConfirmation } from '../provider-api.ts'
import { MINUTE, namesFor, registration, type RegistrationChanges, type ZtsUnderTest } from './contract-world.ts'
import { opensslVerify } from './openssl.ts'
import { yes } from './test-callback.ts'

export function describeRegister(open: () => Promise<ZtsUnderTest>): void {
  test('a registered instance gets a certificate for its key and names, which openssl verifies', async () => {
    await using it = await open()
    const key = nodeKey()
    const identity = await it.zts.register(await registration(it, { key, token: true }))
    const certificate = readCertificate(identity.x509Certificate)

    expect(identity.instanceId).toBe('pod-1')
    expect(certificate).toMatchObject({ commonName: 'shop.cart', isCa: false })
    const { dns, ip, uri } = namesFor(it, 'pod-1')
    expect(certificate.names).toEqual({ dns, ip, uri, email: [], other: 0 })
    expect(sameBytes(certificate.spki, key.spki)).toBe(true)
    expect(certificate.notAfter - certificate.notBefore).toBe(43_200 * MINUTE)
    expect(certificate.keyUsage).toEqual(['digitalSignature', 'keyEncipherment'])
    expect(await opensslVerify(identity.x509Certificate, it.roots)).toContain(': OK')
    expect(await opensslVerify(identity.x509Certificate, identity.x509CertificateSigner)).toContain(': OK')
  })

  test('a service token comes when it is asked for, and only then', async () => {
    await using it = await open()
    const { serviceToken = '' } = await it.zts.register(await registration(it, { token: true }))
    expect(parseNToken(serviceToken)?.claims).toMatchObject({ ...it.launched, keyService: 'zts' })
    expect(await it.zts.register(await registration(it))).not.toHaveProperty('serviceToken')
  })

  test('the callback sees the document and every name of the CSR', async () => {
    await using it = await open()
    await it.zts.register(await registration(it))
    const [asked] = it.callback.asked
    const { dns, ip, uri } = namesFor(it, 'pod-1')
    expect(asked?.path).toBe('/instance')
    expect(parseInstanceConfirmation(JSON.parse(asked?.body ?? ''))).toMatchObject({
      provider: it.provider,
      ...it.launched,
      attestationData: 'document',
      attributes: { instanceId: 'pod-1', sanDns: dns, sanIp: ip, sanUri: uri },
    })
  })

  test.each([
    ['without wishes it lives as long as the signer likes', undefined, undefined, 43_200],
    ['the client may wish for less', 60, undefined, 60],
    ['so may the provider', undefined, '30', 30],
    ['the less of the two is taken, the provider', 60, '30', 30],
    ['the less of the two is taken, the client', 20, '30', 20],
    ['zero is no wish of the client', 0, '30', 30],
    ['zero is no wish of the provider', 60, '0', 60],
    ['less than zero is no wish', -5, undefined, 43_200],
    ['what cannot be read is no wish', undefined, 'soon', 43_200],
  ])('%s', async (_name, expiryMinutes, certExpiryTime, minutes) => {
    await using it = await open()
    it.callback.say(() => yes(certExpiryTime === undefined ? {} : { certExpiryTime }))
    const wish = expiryMinutes === undefined ? {} : { expiryMinutes }
    const { x509Certificate } = await it.zts.register(await registration(it, wish))
    const { notBefore, notAfter } = readCertificate(x509Certificate)
    expect((notAfter - notBefore) / MINUTE).toBe(minutes)
  })

  test.each([
    ['an unknown domain', { domain: 'nosuch' }, 404],
    ['an unknown service', { service: 'nosuch' }, 400],
    ['no CSR at all', { csr: 'nonsense' }, 400],
    ['no attestation data', { attestationData: '' }, 400],
    ['a common name of another service', { names: { commonName: 'bank.teller' } }, 400],
    ['a DNS name under no suffix of the provider', { names: { dns: ['cart.shop.elsewhere.test'] } }, 400],
    ['a CSR without an instance id', { names: { dns: [] } }, 400],
    ['a SPIFFE id of another service', { names: { uri: ['spiffe://bank/sa/teller'] } }, 400],
    ['two SPIFFE ids', { names: { uri: ['spiffe://shop/sa/cart', 'spiffe://shop/sa/till'] } }, 400],
    ['a provider that is none', { provider: 'k8s.unlisted' }, 403],
  ])('%s is refused for good, and nobody else is asked (W38)', async (_name, change: RegistrationChanges, status) => {
    await using it = await open()
    const refused = it.zts.register(await registration(it, change))
    await expect(refused).rejects.toMatchObject({ code: 'ZTS_REFUSED', status, retryable: false })
    expect(it.callback.asked).toEqual([])
  })

  test('a service that the provider may not launch is refused (W38)', async () => {
    await using it = await open()
    const { domain, service } = it.forbidden
    const names = { commonName: `${domain}.${service}`, uri: [] }
    const refused = it.zts.register(await registration(it, { ...it.forbidden, names }))
    await expect(refused).rejects.toMatchObject({ code: 'ZTS_REFUSED', status: 403 })
  })
}
