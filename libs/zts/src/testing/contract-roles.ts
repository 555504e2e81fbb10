/** Role certificates: who gets one, and what it says. */
import { createCsr, type CsrNames, readCertificate, sameBytes } from '@pallas/x509'
import { nodeKey } from '@pallas/x509/testing'
import { describe, expect, test } from 'vitest'
import { askToken, callBy } from './contract-call.ts'
import { MINUTE, type ZtsUnderTest } from './contract-world.ts'
import { opensslVerify } from './openssl.ts'
import type { RawRequest } from './raw-client.ts'

export function describeRoleCertificates(open: () => Promise<ZtsUnderTest>): void {
  describe('role certificates', () => {
    test('a member gets one for its key, for clients, which openssl verifies', async () => {
      await using it = await open()
      const key = nodeKey()
      const { status, text } = await ask(it, {}, { key })
      expect(status).toBe(200)
      const certificate = certificateIn(text)
      const { domain, role } = it.member
      expect(readCertificate(certificate)).toMatchObject({ commonName: `${domain}:role.${role}`, isCa: false })
      expect(readCertificate(certificate).names.uri).toEqual([`spiffe://${domain}/ra/${role}`, principalUri(it)])
      expect(sameBytes(readCertificate(certificate).spki, key.spki)).toBe(true)
      const { notBefore, notAfter } = readCertificate(certificate)
      expect(notAfter - notBefore).toBe(60 * MINUTE)
      expect(await opensslVerify(certificate, it.roots)).toContain(': OK')
    })

    test('there may be several for one role, and none ends another', async () => {
      await using it = await open()
      const key = nodeKey()
      const first = certificateIn((await ask(it, {}, { key })).text)
      await ask(it)
      const pair = { keyPem: key.pem, certPem: first }
      const scope = `${it.member.domain}:role.${it.member.role}`
      expect(await askToken(it, { scope }, { pair })).toMatchObject({ status: 200 })
    })

    test('whoever comes with one is known by it, and gets no other by it', async () => {
      await using it = await open()
      const key = nodeKey()
      const pair = { keyPem: key.pem, certPem: certificateIn((await ask(it, {}, { key })).text) }
      expect(await ask(it, {}, { pair })).toMatchObject({ status: 403 })
    })

    test('not for a role that the caller is not in, nor in a domain that is none', async () => {
      await using it = await open()
      const { domain, service, otherRole } = it.member
      const text = `principal ${domain}.${service} is not included in the requested role(s) in domain ${domain}`
      const message = `postrolecertificaterequestext: ${text}`
      const commonName = `${domain}:role.${otherRole}`
      const refused = await ask(it, { commonName, uri: [principalUri(it)] })
      expect(refused).toMatchObject({ status: 403, message })
      const nowhere = await ask(it, { commonName: 'nosuch:role.readers', uri: [principalUri(it)] })
      expect(nowhere).toMatchObject({ status: 404, message: 'No such domain: nosuch' })
    })

    test.each<[string, string[]]>([
      ['without proof of the principal', []],
      ['for another principal', ['athenz://principal/nosuch.service']],
    ])('not %s', async (_name, uri) => {
      await using it = await open()
      const message = 'Unable to validate cert request'
      expect(await ask(it, { uri })).toMatchObject({ status: 400, message })
    })
  })
}

interface Changes extends Partial<RawRequest> {
  readonly key?: ReturnType<typeof nodeKey>
}

async function ask(it: ZtsUnderTest, names: Partial<CsrNames> = {}, { key = nodeKey(), ...request }: Changes = {}) {
  const { domain, role } = it.member
  const uri = [`spiffe://${domain}/ra/${role}`, principalUri(it)]
  const csr = await createCsr({ commonName: `${domain}:role.${role}`, dns: [], ip: [], uri, ...names }, key)
  const body = JSON.stringify({ csr, expiryTime: 60 })
  const { pair } = it.member
  return callBy(it, '/rolecert', { method: 'POST', headers: JSON_TYPE, body, pair, ...request })
}

const JSON_TYPE = { 'content-type': 'application/json' }

const principalUri = ({ member: { domain, service } }: ZtsUnderTest) => `athenz://principal/${domain}.${service}`

const certificateIn = (text: string) => (JSON.parse(text) as { x509Certificate: string }).x509Certificate
