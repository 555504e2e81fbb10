import { X509Certificate } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import { OID, readCertificate } from '@pallas/x509'
import { expect, test } from 'vitest'
import { BACKDATED_MS, makeServingPair, UNIT } from './serving-pair.ts'

const NOW = Date.parse('2030-01-01T00:00:00Z')
const LIFE = 3_600_000
const make = (changes: Partial<Parameters<typeof makeServingPair>[0]> = {}) =>
  makeServingPair({ names: ['web.apps.svc', '127.0.0.1'], pod: 'web-5d9c-abcde', lifeMs: LIFE, now: NOW, ...changes })

test('a pair serves the names that were asked for, as long as was asked for, under its own authority', async () => {
  const pair = await make()
  const [authority, leaf] = [new X509Certificate(pair.authority), new X509Certificate(pair.cert)]
  expect(leaf.verify(authority.publicKey)).toBe(true)
  expect(leaf.checkIssued(authority)).toBe(true)
  expect([leaf.checkHost('web.apps.svc'), leaf.checkIP('127.0.0.1'), leaf.checkHost('other.apps.svc')]).toEqual(['web.apps.svc', '127.0.0.1', undefined])
  expect(() => createSecureContext({ key: pair.key, cert: pair.cert })).not.toThrow()
  expect(leaf.serialNumber).toBe(pair.serial)
  const span = { notBefore: NOW - BACKDATED_MS, notAfter: NOW + LIFE }
  expect(readCertificate(pair.cert)).toMatchObject({ ...span, isCa: false, extendedKeyUsage: [OID.serverAuth] })
  expect(readCertificate(pair.authority)).toMatchObject({ ...span, isCa: true, pathLength: 0, keyUsage: ['keyCertSign', 'cRLSign'] })
})

test('an authority may vouch for these names alone, tells which replica it is of, and is another each time', async () => {
  const pairs = await Promise.all([make(), make()])
  const [one, two] = pairs.map(({ authority }) => readCertificate(authority))
  expect(one?.unknownCritical).toEqual([OID.nameConstraints])
  expect(one?.subject).toContainEqual({ oid: OID.organizationalUnit, value: UNIT })
  expect(one?.commonName).toMatch(/^web-5d9c-abcde\.[0-9a-f]{8}$/)
  expect(one?.commonName).not.toBe(two?.commonName)
  expect(one?.spki).not.toEqual(two?.spki)
  const { commonName = '' } = readCertificate((await make({ pod: `${'x'.repeat(250)}-abc` })).authority)
  expect(commonName).toMatch(/x-abc\.[0-9a-f]{8}$/)
  expect(commonName.length).toBeLessThanOrEqual(64)
})

test('the key of the authority is nowhere in what is made', async () => {
  const pair = await make()
  const leaf = new X509Certificate(pair.cert)
  expect(Object.values(pair).filter((it) => typeof it === 'string' && it.includes('PRIVATE KEY'))).toEqual([pair.key])
  expect(leaf.publicKey.equals(new X509Certificate(pair.authority).publicKey)).toBe(false)
})
