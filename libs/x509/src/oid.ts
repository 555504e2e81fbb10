/** Object identifiers as dotted text, and the ones that this library knows. */
import type { Der } from './der.ts'
import { malformed } from './error.ts'
import { bytesOf, primitive, TAG } from './values.ts'

export const OID = {
  commonName: '2.5.4.3',
  organizationalUnit: '2.5.4.11',
  extensionRequest: '1.2.840.113549.1.9.14',
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  nameConstraints: '2.5.29.30',
  authorityKeyIdentifier: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
  ecdsaSha256: '1.2.840.10045.4.3.2',
  ecdsaSha384: '1.2.840.10045.4.3.3',
  rsaSha256: '1.2.840.113549.1.1.11',
  rsaSha384: '1.2.840.113549.1.1.12',
  rsaSha512: '1.2.840.113549.1.1.13',
} as const

const MAX_BYTES = 64

export function oidOf(der: Der | undefined): string {
  const bytes = bytesOf(der, TAG.oid)
  if (bytes.length === 0 || bytes.length > MAX_BYTES || (bytes.at(-1) ?? 0) >= 0x80) throw malformed('not an oid')
  const arcs: bigint[] = []
  let arc = 0n
  for (const byte of bytes) {
    if (arc === 0n && byte === 0x80) throw malformed('a padded oid')
    arc = (arc << 7n) | BigInt(byte & 0x7f)
    if (byte >= 0x80) continue
    arcs.push(arc)
    arc = 0n
  }
  const [first = 0n, ...rest] = arcs
  const top = first < 80n ? first / 40n : 2n
  return [top, first - top * 40n, ...rest].join('.')
}

export function oid(text: string): Der {
  const [top = 0n, second = 0n, ...rest] = text.split('.').map(BigInt)
  return primitive(TAG.oid, Uint8Array.from([top * 40n + second, ...rest].flatMap(septets)))
}

function septets(arc: bigint): number[] {
  const digits = [Number(arc & 0x7fn)]
  for (let left = arc >> 7n; left > 0n; left >>= 7n) digits.unshift(Number(left & 0x7fn) | 0x80)
  return digits
}
