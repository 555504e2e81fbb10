/** Writes certificates, for tests and for the embedded ZTS; the suite itself never issues one. */
import { createHash } from 'node:crypto'
import { type AltNames, dnsName, emailName, ipName, uriName } from '../alt-names.ts'
import { type Der, readDer } from '../der.ts'
import { extension } from '../extensions.ts'
import { OID, oid } from '../oid.ts'
import { algorithmOf, type Signer, writeSigned } from '../signed.ts'
import { type SubjectAttribute, writeSubject } from '../subject.ts'
import {
  asContext,
  ascii,
  boolean,
  integer,
  octets,
  primitive,
  sequence,
  TAG,
  wrapped,
} from '../values.ts'

export interface CertificateText {
  readonly serial: Uint8Array
  /** DER name. */
  readonly issuer: Uint8Array
  readonly issuerSpki: Uint8Array
  readonly notBefore: number
  readonly notAfter: number
  readonly subject: readonly SubjectAttribute[]
  readonly spki: Uint8Array
  readonly names: AltNames
  readonly isCa: boolean
  readonly pathLength?: number
  readonly usages: readonly ('clientAuth' | 'serverAuth')[]
}

export function writeCertificate(text: CertificateText, signer: Signer): Promise<Uint8Array<ArrayBuffer>> {
  const tbs = sequence(
    wrapped(0, integer(Uint8Array.of(2))),
    integer(text.serial),
    algorithmOf(signer),
    readDer(text.issuer),
    sequence(time(text.notBefore), time(text.notAfter)),
    writeSubject(text.subject),
    readDer(text.spki),
    wrapped(3, sequence(...(text.isCa ? caExtensions(text) : leafExtensions(text)))),
  )
  return writeSigned(tbs, signer)
}

/** Like a real ZTS: names in the order DNS, URI, IP (`spec/zts-recorded.md` 1), authority key id, no subject key id. */
function leafExtensions({ names, usages, issuerSpki }: CertificateText): Der[] {
  const altNames = [
    ...names.dns.map(dnsName),
    ...names.uri.map(uriName),
    ...names.ip.map(ipName),
    ...names.email.map(emailName),
  ]
  return [
    extension(OID.keyUsage, primitive(TAG.bitString, Uint8Array.of(5, 0b1010_0000)), { critical: true }),
    ...(usages.length === 0 ? [] : [extension(OID.extendedKeyUsage, sequence(...usages.map((it) => oid(OID[it]))))]),
    extension(OID.basicConstraints, sequence(), { critical: true }),
    authority(issuerSpki),
    ...(altNames.length === 0 ? [] : [extension(OID.subjectAltName, sequence(...altNames))]),
  ]
}

function caExtensions({ spki, issuerSpki, pathLength }: CertificateText): Der[] {
  const limit = pathLength === undefined ? [] : [integer(Uint8Array.of(pathLength))]
  return [
    extension(OID.basicConstraints, sequence(boolean(true), ...limit), { critical: true }),
    extension(OID.keyUsage, primitive(TAG.bitString, Uint8Array.of(1, 0b0000_0110)), { critical: true }),
    extension(OID.subjectKeyIdentifier, octets(keyId(spki))),
    authority(issuerSpki),
  ]
}

const authority = (issuerSpki: Uint8Array) =>
  extension(OID.authorityKeyIdentifier, sequence(primitive(asContext(0), keyId(issuerSpki))))

const keyId = (spki: Uint8Array) => createHash('sha256').update(spki).digest().subarray(0, 20)

function time(epochMs: number): Der {
  const text = new Date(epochMs).toISOString().replace(/[-:T]|\.\d+/g, '')
  const isShort = text >= '1950' && text < '2050'
  return isShort ? ascii(TAG.utcTime, text.slice(2)) : ascii(TAG.generalizedTime, text)
}

