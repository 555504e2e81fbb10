/** Distinguished names: read attribute by attribute, written with a common name and, in certificates, units. */
import { type Der, writeDer } from './der.ts'
import { malformed, X509Error } from './error.ts'
import { OID, oid, oidOf } from './oid.ts'
import { isVisible, partsOf, sequence, set, TAG, textOf, utf8 } from './values.ts'

export interface SubjectAttribute {
  readonly oid: string
  readonly value: string
}

export function readSubject(der: Der | undefined): readonly SubjectAttribute[] {
  return partsOf(der, TAG.sequence).flatMap((rdn) => {
    const attributes = partsOf(rdn, TAG.set)
    if (attributes.length === 0) throw malformed('an empty part of a name')
    return attributes.map(readAttribute)
  })
}

function readAttribute(der: Der): SubjectAttribute {
  const [type, value, ...more] = partsOf(der, TAG.sequence)
  if (more.length > 0) throw malformed('not an attribute of a name')
  return { oid: oidOf(type), value: textOf(value) }
}

/** The common name when there is exactly one. */
export function commonNameOf(subject: readonly SubjectAttribute[]): string | undefined {
  const [first, ...more] = subject.filter((attribute) => attribute.oid === OID.commonName)
  return more.length === 0 ? first?.value : undefined
}

/** A part for each attribute, in order. Throws `X509_NAMES` for a value that is empty or not printable ASCII. */
export function writeSubject(attributes: readonly SubjectAttribute[]): Der {
  const bad = attributes.some(({ value }) => value === '' || !isVisible(value))
  if (bad) throw new X509Error('X509_NAMES', 'a part of the subject is empty or not printable ascii')
  return sequence(...attributes.map(({ oid: type, value }) => set(sequence(oid(type), utf8(value)))))
}

/** DER, as the issuer of a certificate. */
export const subjectBytes = (attributes: readonly SubjectAttribute[]): Uint8Array => writeDer(writeSubject(attributes))
