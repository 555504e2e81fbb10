import { X509Certificate } from 'node:crypto'
import { expect, test } from 'vitest'
import { CERTIFICATE_LABEL, readCertificate } from './certificate.ts'
import type { NameLimits } from './name-constraints.ts'
import { OID } from './oid.ts'
import { toPem } from './pem.ts'
import { subjectBytes } from './subject.ts'
import { nodeKey } from './testing/node-keys.ts'
import { openssl } from './testing/openssl.ts'
import { type CertificateText, writeCertificate } from './write-certificate.ts'

const NOW = Date.parse('2030-01-01T00:00:00Z')
const issuer = nodeKey()
const ISSUER_ID = Uint8Array.of(1, 2, 3, 4)
const named = (value: string) => [{ oid: OID.commonName, value }]
const common = {
  serial: Uint8Array.of(7),
  issuer: subjectBytes(named('a limited one')),
  issuerKeyId: ISSUER_ID,
  notBefore: NOW - 60_000,
  notAfter: NOW + 3_600_000,
  usages: ['serverAuth'],
} satisfies Partial<CertificateText>
const NOTHING = { dns: [], ip: [], uri: [], email: [], other: 0 }

const authority = (only: NameLimits) =>
  writeCertificate(
    { ...common, subject: named('a limited one'), spki: issuer.spki, names: NOTHING, authority: { keyId: ISSUER_ID, pathLength: 0, only } },
    issuer,
  )
const leaf = (names: Partial<NameLimits>) =>
  writeCertificate({ ...common, subject: named('webhook'), spki: nodeKey().spki, names: { ...NOTHING, ...names } }, issuer)

/** What openssl says of a leaf under an authority, asked by name. */
async function judge(only: NameLimits, names: Partial<NameLimits>, ...asked: readonly string[]) {
  const files = { 'ca.pem': toPem(CERTIFICATE_LABEL, await authority(only)), 'leaf.pem': toPem(CERTIFICATE_LABEL, await leaf(names)) }
  const how = ['-x509_strict', '-purpose', 'sslserver', '-attime', String(NOW / 1_000), '-CAfile', 'ca.pem']
  return openssl(['verify', ...how, ...asked, 'leaf.pem'], files)
}

const SVC = 'web.apps.svc'

test.each<[string, NameLimits, Partial<NameLimits>, readonly string[], boolean]>([
  ['the name that it may have', { dns: [SVC], ip: [] }, { dns: [SVC] }, ['-verify_hostname', SVC], true],
  ['another name', { dns: [SVC], ip: [] }, { dns: ['kubernetes.default.svc'] }, [], false],
  ['one name more', { dns: [SVC], ip: [] }, { dns: [SVC, 'kubernetes.default.svc'] }, [], false],
  ['an address', { dns: [SVC], ip: [] }, { dns: [SVC], ip: ['10.96.0.1'] }, [], false],
  ['an address of the other family', { dns: [SVC], ip: [] }, { ip: ['fd00::1'] }, [], false],
  ['the address that it may have', { dns: [], ip: ['127.0.0.1'] }, { ip: ['127.0.0.1'] }, ['-verify_ip', '127.0.0.1'], true],
  ['the address next to it', { dns: [], ip: ['127.0.0.1'] }, { ip: ['127.0.0.2'] }, [], false],
  ['a name where there are addresses only', { dns: [], ip: ['127.0.0.1'] }, { dns: ['localhost'] }, [], false],
])('below an authority for few names a certificate with %s', async (_what, only, names, asked, isGood) => {
  const { status, said } = await judge(only, names, ...asked)
  expect(said).toMatch(isGood ? /^leaf.pem: OK/ : /(permitted subtree violation|excluded subtree violation)/)
  expect(status === 0).toBe(isGood)
})

test('an authority is read as what was written: one that signs servers directly', async () => {
  const der = await authority({ dns: [SVC], ip: [] })
  expect(readCertificate(der)).toMatchObject({
    isCa: true,
    pathLength: 0,
    keyUsage: ['keyCertSign', 'cRLSign'],
    extendedKeyUsage: [OID.serverAuth],
    unknownCritical: [OID.nameConstraints],
    notBefore: NOW - 60_000,
    commonName: 'a limited one',
  })
  expect(new X509Certificate(der).ca).toBe(true)
})
