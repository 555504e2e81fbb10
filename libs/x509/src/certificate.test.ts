import { X509Certificate } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CERTIFICATE_LABEL, readCertificate, readCertificates } from './certificate.ts'
import { OID } from './oid.ts'
import { fromPem } from './pem.ts'
import { verifySigned } from './signed.ts'
import { someNames } from './testing/arbitraries.ts'
import { nodeKey, nodeVerify } from './testing/node-keys.ts'
import { openssl } from './testing/openssl.ts'
import { TestCa } from './testing/test-ca.ts'

const key = nodeKey()
const cas = {
  'ec-p256': await TestCa.create({ name: 'ec root' }),
  rsa: await TestCa.create({ name: 'rsa root', algorithm: 'rsa' }),
}
const HOUR = 3_600_000

describe.each(['ec-p256', 'rsa'] as const)('a certificate signed by a ca with a key of kind %s', (algorithm) => {
  const ca = cas[algorithm]

  test('is read as node:crypto reads it (T44)', async () => {
    const times = fc.record({
      notBefore: fc.integer({ min: Date.parse('1950-01-01'), max: Date.parse('2200-01-01') }),
      lifeMs: fc.integer({ min: 1_000, max: 300 * 365 * 24 * HOUR }),
    })
    await fc.assert(
      fc.asyncProperty(someNames, times, async ({ commonName, ...names }, { notBefore, lifeMs }) => {
        const request = {
          spki: key.spki,
          subject: [{ oid: OID.commonName, value: commonName }],
          names: { ...names, email: [], other: 0 },
        }
        const { certPem, serial } = await ca.sign(request, { notBefore, lifeMs })
        const ours = readCertificate(certPem)
        const theirs = new X509Certificate(certPem)
        const root = new X509Certificate(ca.certPem)
        expect(ours.serial).toBe(theirs.serialNumber)
        expect(ours.serial).toBe(serial)
        expect(new Date(ours.notBefore)).toEqual(theirs.validFromDate)
        expect(new Date(ours.notAfter)).toEqual(theirs.validToDate)
        expect(theirs.subject).toBe(`CN=${ours.commonName}`)
        expect(sansOf(ours.names)).toEqual(nodeSans(theirs.subjectAltName))
        expect(Buffer.from(ours.spki)).toEqual(theirs.publicKey.export({ format: 'der', type: 'spki' }))
        expect(Buffer.from(ours.der)).toEqual(theirs.raw)
        expect(ours.isCa).toBe(theirs.ca)
        expect(ours.extendedKeyUsage).toEqual(theirs.keyUsage)
        expect(theirs.checkIssued(root) && theirs.verify(root.publicKey)).toBe(true)
        expect(await verifySigned(ours.signed, readCertificate(ca.certPem).spki, nodeVerify)).toBe(true)
      }),
      { numRuns: 40 },
    )
  })

  test('is shown by openssl with every name, usage and constraint, and verifies', async () => {
    const { certPem, serial } = await ca.issue({
      commonName: 'media.on-air.web',
      dns: ['web.media-on-air.svc.cluster.local'],
      ip: ['10.1.2.3', '::1'],
      uri: ['spiffe://media.on-air/sa/web'],
      email: ['web@media.example'],
      ou: 'k8s.identity',
    })
    const { said } = openssl(['x509', '-noout', '-text', '-in', 'cert'], { cert: certPem })
    expect(said).toContain('Subject: OU = k8s.identity, CN = media.on-air.web')
    expect(said).toContain(
      'DNS:web.media-on-air.svc.cluster.local, URI:spiffe://media.on-air/sa/web, ' +
        'IP Address:10.1.2.3, IP Address:0:0:0:0:0:0:0:1, email:web@media.example',
    )
    expect(said).toContain('CA:FALSE')
    expect(said).toContain('Digital Signature, Key Encipherment')
    expect(said).toContain('TLS Web Client Authentication, TLS Web Server Authentication')
    expect(said.replaceAll(/[\s:]/g, '').toUpperCase()).toContain(`SERIALNUMBER${serial}`)
    const verified = openssl(['verify', '-x509_strict', '-CAfile', 'ca', 'cert'], { cert: certPem, ca: ca.certPem })
    expect(verified.said).toBe('cert: OK\n')
  })
})

test('a chain over an intermediate verifies for openssl', async () => {
  const issuer = await TestCa.create({ issuer: cas.rsa, name: 'intermediate', pathLength: 0 })
  const { certPem } = await issuer.issue({ commonName: 'a.b' })
  const files = { cert: certPem, ca: cas.rsa.certPem, between: issuer.certPem }
  const verified = openssl(['verify', '-x509_strict', '-CAfile', 'ca', '-untrusted', 'between', 'cert'], files)
  expect(verified.said).toBe('cert: OK\n')
  expect(readCertificates(issuer.chainPem).map((it) => [it.commonName, it.pathLength])).toEqual([
    ['intermediate', 0],
    ['rsa root', undefined],
  ])
})

const EXTENSIONS = 'basicConstraints=critical,CA:TRUE,pathlen:3\nkeyUsage=critical,keyCertSign,cRLSign\n'

function selfSigned(options: { extensions?: string; subject?: string; more?: readonly string[] }): string {
  const { extensions = EXTENSIONS, subject = 'CN=root', more = [] } = options
  const settings = '[req]\ndistinguished_name=dn\nx509_extensions=ext\nprompt=no\nstring_mask=utf8only\n'
  const config = `${settings}[dn]\n${subject}\n[ext]\n${extensions}`
  const args = ['req', '-x509', '-new', '-key', 'key', '-config', 'config', '-days', '10', '-utf8', ...more]
  return openssl(args, { key: key.pem, config }).out
}

describe('certificates made by openssl', () => {
  test('of a ca are read, constraints and usage included', () => {
    expect(readCertificate(selfSigned({}))).toMatchObject({
      commonName: 'root',
      isCa: true,
      pathLength: 3,
      keyUsage: ['keyCertSign', 'cRLSign'],
      extendedKeyUsage: undefined,
      unknownCritical: [],
    })
  })

  test('with a subject outside ascii are read: only names that decide must be plain', () => {
    const { subject } = readCertificate(selfSigned({ subject: 'O=Telefónica\nCN=root' }))
    expect(subject).toEqual([
      { oid: '2.5.4.10', value: 'Telefónica' },
      { oid: OID.commonName, value: 'root' },
    ])
  })

  test('with several common names have none', () => {
    expect(readCertificate(selfSigned({ subject: '0.CN=a\n1.CN=b' })).commonName).toBeUndefined()
  })

  test('with critical extensions that mean nothing here say so', () => {
    const extensions = `${EXTENSIONS}nameConstraints=critical,permitted;DNS:example\n`
    expect(readCertificate(selfSigned({ extensions })).unknownCritical).toEqual(['2.5.29.30'])
  })

  test.each([
    ['sha-384', ['-sha384'], true],
    ['sha-1', ['-sha1'], false],
  ])('and signed with %s verify: %s', async (_name, more, good) => {
    const certificate = readCertificate(selfSigned({ more }))
    expect(await verifySigned(certificate.signed, certificate.spki, nodeVerify)).toBe(good)
  })
})

test('a bundle is read in order, comments between certificates notwithstanding', () => {
  const bundle = `# first\n${cas.rsa.certPem}\n subject=second\r\n${cas['ec-p256'].certPem.replaceAll('\n', '\r\n')}`
  expect(readCertificates(bundle).map((it) => it.commonName)).toEqual(['rsa root', 'ec root'])
})

describe('certificates that are no certificates', () => {
  const good = fromPem(cas['ec-p256'].certPem, CERTIFICATE_LABEL)

  test('one cut off at any length is refused', () => {
    for (let length = 0; length < good.length; length++) {
      const reading = () => readCertificate(good.subarray(0, length))
      expect(reading).toThrow(expect.objectContaining({ code: 'X509_MALFORMED' }))
    }
  })

  test('one with any one byte changed is refused, or no longer verifies', async () => {
    for (let at = 0; at < good.length; at++) {
      const changed = good.slice()
      changed[at] = (changed[at] ?? 0) ^ 0x41
      const certificate = attempt(changed)
      if (certificate === undefined) continue
      expect(await verifySigned(certificate.signed, certificate.spki, nodeVerify)).toBe(false)
    }
  })

  test('what both node:crypto and we can read, we read alike (T44)', () => {
    const changes = fc.tuple(fc.nat(leaf.length - 1), fc.nat(255))
    let both = 0
    for (const [at, byte] of fc.sample(changes, 3_000)) {
      const changed = leaf.slice()
      changed[at] = byte
      const [ours, theirs] = [attempt(changed), nodeReads(changed)]
      if (ours === undefined || theirs === undefined) continue
      both++
      expect(ours.serial).toBe(theirs.serialNumber)
      expect([ours.notBefore, ours.notAfter]).toEqual([+theirs.validFromDate, +theirs.validToDate])
      expect(ours.isCa).toBe(theirs.ca)
      if (!theirs.subjectAltName?.includes('"')) expect(sansOf(ours.names)).toEqual(nodeSans(theirs.subjectAltName))
    }
    expect(both).toBeGreaterThan(100)
  })
})

const issued = await cas.rsa.issue({ commonName: 'a.b', dns: ['x.y'], uri: ['spiffe://a/sa/b'], ip: ['10.0.0.1'] })
const leaf = fromPem(issued.certPem, CERTIFICATE_LABEL)

/** Undefined for what is refused in the way that it should be. */
function attempt(der: Uint8Array) {
  try {
    return readCertificate(der)
  } catch (error) {
    expect(error).toMatchObject({ name: 'X509Error' })
    return undefined
  }
}

function nodeReads(der: Uint8Array): X509Certificate | undefined {
  try {
    return new X509Certificate(der)
  } catch {
    return undefined
  }
}

const sansOf = (names: ReturnType<typeof readCertificate>['names']) => [...names.dns, ...names.uri, ...names.ip].sort()

/** Node writes `DNS:a, URI:b, IP Address:c`, IPv6 in full. */
const nodeSans = (text: string | undefined) =>
  (text ?? '')
    .split(', ')
    .filter((it) => /^(DNS|URI|IP Address):/.test(it))
    .map((it) => it.replace(/^(DNS|URI|IP Address):/, '').replace(/^[0-9A-F:]{15,}$/, (ip) => ip.toLowerCase()))
    .sort()
