/** Certificates for services that own a registered key. */
import type { NTokenClaims } from '@pallas/identity'
import { createCsr, readCertificate, sameBytes } from '@pallas/x509'
import { type NodeKey, nodeKey } from '@pallas/x509/testing'
import { expect, test } from 'vitest'
import { MINUTE, type ZtsUnderTest } from './contract-world.ts'
import { opensslVerify } from './openssl.ts'

export function describeKeyOwner(open: () => Promise<ZtsUnderTest>): void {
  test('a service gets a certificate for its registered key by a token it signed', async () => {
    await using it = await open()
    const { certificate, caCertBundle } = await it.zts.refreshService(await asked(it))
    const { notBefore, notAfter, spki } = readCertificate(certificate)
    expect(sameBytes(spki, it.owner.key.spki)).toBe(true)
    expect(notAfter - notBefore).toBe(60 * MINUTE)
    expect(await opensslVerify(certificate, caCertBundle)).toContain(': OK')
    expect(it.callback.asked).toEqual([])
  })

  test('a CSR by another key, or for other names, is refused (W38)', async () => {
    await using it = await open()
    const refusal = { code: 'ZTS_REFUSED', status: 400 }
    const another = it.zts.refreshService(await asked(it, { key: nodeKey() }))
    await expect(another).rejects.toMatchObject({ ...refusal, detail: 'Invalid CSR - public key mismatch' })
    const others = it.zts.refreshService(await asked(it, { dns: [`cart.shop.${it.dnsSuffix}`] }))
    await expect(others).rejects.toMatchObject({ ...refusal, detail: 'Invalid CSR - data mismatch' })
  })

  test.each<[string, Partial<NTokenClaims>]>([
    ['an unknown key', { keyId: 'v9' }],
    ['a time gone by', { expiresAt: 1_000_000_000 }],
    ['a life of more than 30 days', { expiresAt: 9_999_999_999 }],
    ['the name of ZTS', { keyService: 'zts' }],
  ])('a token with %s is no credential (W38)', async (_name, claims) => {
    await using it = await open()
    const refused = it.zts.refreshService(await asked(it, { token: await it.owner.token(claims) }))
    await expect(refused).rejects.toMatchObject({ code: 'ZTS_REFUSED', status: 401 })
  })
}

async function asked(it: ZtsUnderTest, change: { key?: NodeKey; dns?: string[]; token?: string } = {}) {
  const { domain, service, key, token } = it.owner
  const dns = change.dns ?? [`${service}.${domain.replaceAll('.', '-')}.${it.dnsSuffix}`]
  const names = { commonName: `${domain}.${service}`, dns, ip: [], uri: [`spiffe://${domain}/sa/${service}`] }
  const csr = await createCsr(names, change.key ?? key)
  return { domain, service, csr, expiryMinutes: 60, token: change.token ?? (await token()) }
}
