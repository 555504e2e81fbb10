/** Writes certificates, signed by whatever key is passed in: of authorities and of those below them. */
import { type AltNames, dnsName, emailName, ipName, uriName } from './alt-names.ts'
import { type Der, readDer } from './der.ts'
import { extension } from './extensions.ts'
import { type NameLimits, nameConstraints } from './name-constraints.ts'
import { OID, oid } from './oid.ts'
import { algorithmOf, type Signer, writeSigned } from './signed.ts'
import { type SubjectAttribute, writeSubject } from './subject.ts'
import { timeDer } from './time.ts'
import { asContext, boolean, integer, octets, primitive, sequence, TAG, wrapped } from './values.ts'

export interface CertificateText {
  /** Magnitude, most significant byte first. */
  readonly serial: Uint8Array
  /** DER name. */
  readonly issuer: Uint8Array
  /** Of the key that signs. */
  readonly issuerKeyId: Uint8Array
  /** Epoch milliseconds, as `notAfter`. */
  readonly notBefore: number
  readonly notAfter: number
  readonly subject: readonly SubjectAttribute[]
  /** DER SubjectPublicKeyInfo. */
  readonly spki: Uint8Array
  /** Of a certificate that is not an authority's. */
  readonly names: AltNames
  readonly usages: readonly ('clientAuth' | 'serverAuth')[]
  readonly authority?: AuthorityText
}

/** What a certificate says that may sign others. */
export interface AuthorityText {
  readonly keyId: Uint8Array
  /** How many more authorities may stand below; undefined: any number. */
  readonly pathLength?: number
  /** The only names that certificates below may have. */
  readonly only?: NameLimits
}

/** DER. Throws `X509_NAMES` for a subject or name that cannot be written. */
export function writeCertificate(text: CertificateText, signer: Signer): Promise<Uint8Array<ArrayBuffer>> {
  const tbs = sequence(
    wrapped(0, integer(Uint8Array.of(2))),
    integer(text.serial),
    algorithmOf(signer),
    readDer(text.issuer),
    sequence(timeDer(text.notBefore), timeDer(text.notAfter)),
    writeSubject(text.subject),
    readDer(text.spki),
    wrapped(3, sequence(...(text.authority === undefined ? leafExtensions(text) : caExtensions(text, text.authority)))),
  )
  return writeSigned(tbs, signer)
}

/** Like a real ZTS: names in the order DNS, URI, IP (`spec/zts-recorded.md` 1), authority key id, no subject key id. */
function leafExtensions({ names, usages, issuerKeyId }: CertificateText): Der[] {
  const altNames = [
    ...names.dns.map(dnsName),
    ...names.uri.map(uriName),
    ...names.ip.map(ipName),
    ...names.email.map(emailName),
  ]
  return [
    extension(OID.keyUsage, primitive(TAG.bitString, Uint8Array.of(5, 0b1010_0000)), { critical: true }),
    ...purposes(usages),
    extension(OID.basicConstraints, sequence(), { critical: true }),
    signedBy(issuerKeyId),
    ...(altNames.length === 0 ? [] : [extension(OID.subjectAltName, sequence(...altNames))]),
  ]
}

function caExtensions({ usages, issuerKeyId }: CertificateText, { keyId, pathLength, only }: AuthorityText): Der[] {
  const limit = pathLength === undefined ? [] : [integer(Uint8Array.of(pathLength))]
  return [
    extension(OID.basicConstraints, sequence(boolean(true), ...limit), { critical: true }),
    extension(OID.keyUsage, primitive(TAG.bitString, Uint8Array.of(1, 0b0000_0110)), { critical: true }),
    ...purposes(usages),
    extension(OID.subjectKeyIdentifier, octets(keyId)),
    signedBy(issuerKeyId),
    ...(only === undefined ? [] : [extension(OID.nameConstraints, nameConstraints(only), { critical: true })]),
  ]
}

const purposes = (usages: CertificateText['usages']): Der[] =>
  usages.length === 0 ? [] : [extension(OID.extendedKeyUsage, sequence(...usages.map((it) => oid(OID[it]))))]

const signedBy = (keyId: Uint8Array) =>
  extension(OID.authorityKeyIdentifier, sequence(primitive(asContext(0), keyId)))
