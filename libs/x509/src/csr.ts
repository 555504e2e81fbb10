/** PKCS#10 certificate requests: one common name and alternative names, signed by the key they are for. */
import { type AltNames, namesInCsrOrder, NO_NAMES, readAltNames } from './alt-names.ts'
import { type Der, readDer } from './der.ts'
import { malformed } from './error.ts'
import { extension, type Extension, readExtensions } from './extensions.ts'
import { OID, oid, oidOf } from './oid.ts'
import { fromPem, toPem } from './pem.ts'
import { readSigned, type Signed, type Signer, type Verify, verifySigned, writeSigned } from './signed.ts'
import { spkiBytes } from './spki.ts'
import { commonNameOf, readSubject, type SubjectAttribute, writeSubject } from './subject.ts'
import { integer, isVisible, inContext, partsOf, sequence, set, smallIntegerOf, TAG, wrapped } from './values.ts'

export const CSR_LABEL = 'CERTIFICATE REQUEST'

export interface CsrNames {
  readonly commonName: string
  readonly dns: readonly string[]
  readonly ip: readonly string[]
  readonly uri: readonly string[]
  /** Only role certificates of older ZTS have any: `<principal>@<suffix>` proves the principal there (spec/zts.md 7). */
  readonly email?: readonly string[]
}

export interface CsrKey extends Signer {
  /** DER SubjectPublicKeyInfo. */
  readonly spki: Uint8Array
}

export interface Csr {
  readonly subject: readonly SubjectAttribute[]
  /** Undefined when there is none. */
  readonly commonName: string | undefined
  readonly names: AltNames
  /** Object identifiers of the extensions asked for besides the alternative names. */
  readonly otherExtensions: readonly string[]
  /** Object identifiers of the attributes besides the extension request. */
  readonly otherAttributes: readonly string[]
  readonly spki: Uint8Array
  readonly signed: Signed
}

/** PEM. Throws `X509_NAMES` for a name that cannot be written. */
export async function createCsr(names: CsrNames, key: CsrKey): Promise<string> {
  const altNames = namesInCsrOrder(names)
  const sans = altNames.length === 0 ? [] : [extensionRequest(extension(OID.subjectAltName, sequence(...altNames)))]
  const info = sequence(
    integer(Uint8Array.of(0)),
    writeSubject([{ oid: OID.commonName, value: names.commonName }]),
    readDer(key.spki),
    wrapped(0, ...sans),
  )
  return toPem(CSR_LABEL, await writeSigned(info, key))
}

const extensionRequest = (...extensions: readonly Der[]) =>
  sequence(oid(OID.extensionRequest), set(sequence(...extensions)))

/**
 * Everything a CSR says. Throws `X509_MALFORMED` for what is not one CSR in DER, and for what two readers could read in
 * two ways: an attribute, extension or part of the subject that occurs twice, NUL or non-ASCII in a name.
 */
export function readCsr(pem: string): Csr {
  const { tbs, signed } = readSigned(readDer(fromPem(pem, CSR_LABEL)))
  const [version, subjectDer, spki, attributesDer, ...more] = partsOf(tbs, TAG.sequence)
  if (smallIntegerOf(version) !== 0 || more.length > 0) throw malformed('not a certificate request of version 1')
  const subject = readSubject(subjectDer)
  if (hasTwice(subject.map((it) => it.oid))) throw malformed('a part of the subject occurs twice')
  if (!subject.every(({ value }) => isVisible(value))) throw malformed('a part of the subject is not printable ascii')

  const attributes = readAttributes(attributesDer)
  const extensions = requestedExtensions(attributes.get(OID.extensionRequest))
  const sans = extensions.get(OID.subjectAltName)
  return {
    subject,
    commonName: commonNameOf(subject),
    names: sans === undefined ? NO_NAMES : readAltNames(sans.value),
    otherExtensions: [...extensions.keys()].filter((type) => type !== OID.subjectAltName),
    otherAttributes: [...attributes.keys()].filter((type) => type !== OID.extensionRequest),
    spki: spkiBytes(spki),
    signed,
  }
}

/** Whether the key in the CSR signed the CSR. */
export const verifyCsr = (csr: Csr, verify: Verify): Promise<boolean> => verifySigned(csr.signed, csr.spki, verify)

function readAttributes(der: Der | undefined): ReadonlyMap<string, readonly Der[]> {
  const attributes = partsOf(der, inContext(0)).map((attribute): [string, readonly Der[]] => {
    const [type, values, ...more] = partsOf(attribute, TAG.sequence)
    if (more.length > 0) throw malformed('not an attribute')
    return [oidOf(type), partsOf(values, TAG.set)]
  })
  const byOid = new Map(attributes)
  if (byOid.size === attributes.length) return byOid
  throw malformed('an attribute occurs twice')
}

function requestedExtensions(values: readonly Der[] | undefined): ReadonlyMap<string, Extension> {
  if (values === undefined) return new Map()
  if (values.length === 1) return readExtensions(values[0])
  throw malformed('not exactly one list of extensions')
}

const hasTwice = (texts: readonly string[]) => new Set(texts).size < texts.length
