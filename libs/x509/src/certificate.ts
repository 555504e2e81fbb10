/** X.509 certificates, read for what this suite decides on. */
import { type AltNames, NO_NAMES, readAltNames } from './alt-names.ts'
import { type Der, readDer, writeDer } from './der.ts'
import { malformed } from './error.ts'
import { type Extension, extensionValue, readExtensions } from './extensions.ts'
import { OID, oidOf } from './oid.ts'
import { fromPem, manyFromPem } from './pem.ts'
import { readSigned, type Signed } from './signed.ts'
import { spkiBytes } from './spki.ts'
import { commonNameOf, readSubject, type SubjectAttribute } from './subject.ts'
import { timeOf } from './time.ts'
import { booleanOf, inContext, magnitudeOf, namedBitsOf, partsOf, smallIntegerOf, TAG } from './values.ts'

export const CERTIFICATE_LABEL = 'CERTIFICATE'

const KEY_USAGES = [
  'digitalSignature',
  'nonRepudiation',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
  'encipherOnly',
  'decipherOnly',
] as const
export type KeyUsage = (typeof KEY_USAGES)[number]

export interface Certificate {
  readonly der: Uint8Array
  /** Upper-case hex, whole bytes. */
  readonly serial: string
  /** Epoch milliseconds, as `notAfter`. */
  readonly notBefore: number
  readonly notAfter: number
  /** DER names, to be compared byte by byte. */
  readonly issuer: Uint8Array
  readonly subjectDer: Uint8Array
  readonly subject: readonly SubjectAttribute[]
  /** Undefined when there is none, or more than one. */
  readonly commonName: string | undefined
  readonly names: AltNames
  /** DER SubjectPublicKeyInfo. */
  readonly spki: Uint8Array
  readonly isCa: boolean
  /** How many more CAs may stand below this one; undefined: any number. */
  readonly pathLength: number | undefined
  /** Undefined: not restricted. */
  readonly keyUsage: readonly KeyUsage[] | undefined
  /** Object identifiers; undefined: not restricted. */
  readonly extendedKeyUsage: readonly string[] | undefined
  /** Object identifiers of the critical extensions whose meaning is not known here. */
  readonly unknownCritical: readonly string[]
  readonly signed: Signed
}

/** PEM (one block) or DER. Throws `X509_MALFORMED` or `X509_UNSUPPORTED`. */
export function readCertificate(source: string | Uint8Array): Certificate {
  const der = typeof source === 'string' ? fromPem(source, CERTIFICATE_LABEL) : source
  const { tbs, algorithm, signed } = readSigned(readDer(der))
  const { version, fields, tail } = bodyOf(tbs)
  const [serial, innerAlgorithm, issuer, validity, subjectDer, spki] = fields
  if (!innerAlgorithm || !sameBytes(writeDer(innerAlgorithm), writeDer(algorithm))) {
    throw malformed('two signature algorithms')
  }
  if (issuer === undefined || subjectDer === undefined) throw malformed('a part of the certificate is missing')
  readSubject(issuer)
  const [notBefore, notAfter, ...more] = partsOf(validity, TAG.sequence)
  if (more.length > 0) throw malformed('more than two times')
  const subject = readSubject(subjectDer)
  return {
    der,
    serial: magnitudeOf(serial).toHex().toUpperCase(),
    notBefore: timeOf(notBefore),
    notAfter: timeOf(notAfter),
    issuer: writeDer(issuer),
    subjectDer: writeDer(subjectDer),
    subject,
    commonName: commonNameOf(subject),
    spki: spkiBytes(spki),
    ...meaningOf(extensionsOf(version, tail)),
    signed,
  }
}

/** Every certificate of a PEM bundle, in order. */
export const readCertificates = (pemBundle: string): Certificate[] =>
  manyFromPem(pemBundle, CERTIFICATE_LABEL).map(readCertificate)

function bodyOf(tbs: Der) {
  const parts = partsOf(tbs, TAG.sequence)
  const explicit = parts[0]?.tag === inContext(0)
  const version = explicit ? 1 + smallIntegerOf(partsOf(parts[0], inContext(0))[0]) : 1
  const rest = explicit ? parts.slice(1) : parts
  if (version > 3) throw malformed('not a version of certificates')
  return { version, fields: rest.slice(0, 6), tail: rest.slice(6) }
}

/** After the key come at most the unique ids `[1]`, `[2]`, which nobody uses, and the extensions `[3]`, each once. */
function extensionsOf(version: number, tail: readonly Der[]): ReadonlyMap<string, Extension> {
  const numbers = tail.map((part) => part.tag & 0x1f)
  const inOrder = numbers.every((n, i) => n >= 1 && n <= 3 && n > (numbers[i - 1] ?? 0))
  if (!inOrder || tail.some((part) => (part.tag & 0xc0) !== 0x80)) throw malformed('an unknown part of a certificate')
  const last = numbers.at(-1) === 3 ? tail.at(-1) : undefined
  if (last === undefined) return new Map()
  if (version !== 3) throw malformed('extensions in a certificate of an older version')
  const [list, ...more] = partsOf(last, inContext(3))
  if (more.length > 0) throw malformed('two lists of extensions')
  return readExtensions(list)
}

const KNOWN: ReadonlySet<string> = new Set([
  OID.subjectAltName,
  OID.basicConstraints,
  OID.keyUsage,
  OID.extendedKeyUsage,
  OID.subjectKeyIdentifier,
  OID.authorityKeyIdentifier,
])

function meaningOf(extensions: ReadonlyMap<string, Extension>) {
  const sans = extensions.get(OID.subjectAltName)
  const usage = extensionValue(extensions, OID.keyUsage)
  const purposes = extensionValue(extensions, OID.extendedKeyUsage)
  return {
    names: sans === undefined ? NO_NAMES : readAltNames(sans.value),
    ...constraintsOf(extensionValue(extensions, OID.basicConstraints)),
    keyUsage: usage && namedBitsOf(usage).flatMap((bit) => KEY_USAGES[bit] ?? []),
    extendedKeyUsage: purposes && partsOf(purposes, TAG.sequence).map(oidOf),
    unknownCritical: [...extensions.values()].filter((it) => it.critical && !KNOWN.has(it.oid)).map((it) => it.oid),
  }
}

function constraintsOf(der: Der | undefined): { readonly isCa: boolean; readonly pathLength: number | undefined } {
  if (der === undefined) return { isCa: false, pathLength: undefined }
  const parts = [...partsOf(der, TAG.sequence)]
  const isCa = parts[0]?.tag === TAG.boolean && booleanOf(parts.shift())
  const pathLength = parts.length === 0 ? undefined : smallIntegerOf(parts.shift())
  if (parts.length > 0 || (!isCa && pathLength !== undefined)) throw malformed('not basic constraints')
  return { isCa, pathLength }
}

export const sameBytes = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, i) => byte === b[i])
