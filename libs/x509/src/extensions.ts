/** X.509 v3 extensions, in a certificate or asked for in a CSR. */
import { type Der, readDer, writeDer } from './der.ts'
import { malformed } from './error.ts'
import { oid, oidOf } from './oid.ts'
import { boolean, booleanOf, bytesOf, octets, partsOf, sequence, TAG } from './values.ts'

export interface Extension {
  readonly oid: string
  readonly critical: boolean
  readonly value: Uint8Array
}

/** By object identifier; throws `X509_MALFORMED` when one occurs twice. */
export function readExtensions(der: Der | undefined): ReadonlyMap<string, Extension> {
  const extensions = partsOf(der, TAG.sequence).map(readExtension)
  const byOid = new Map(extensions.map((extension) => [extension.oid, extension]))
  if (extensions.length === 0 || byOid.size < extensions.length) throw malformed('no extension, or one twice')
  return byOid
}

function readExtension(der: Der): Extension {
  const [type, ...rest] = partsOf(der, TAG.sequence)
  const critical = rest.length > 1 && booleanOf(rest[0])
  if (rest.length > 2) throw malformed('not an extension')
  return { oid: oidOf(type), critical, value: bytesOf(rest.at(-1), TAG.octetString) }
}

export const extension = (type: string, value: Der, { critical = false } = {}): Der =>
  sequence(oid(type), ...(critical ? [boolean(true)] : []), octets(writeDer(value)))

/** The parsed value of one extension; undefined when it is not there. */
export function extensionValue(extensions: ReadonlyMap<string, Extension>, type: string): Der | undefined {
  const found = extensions.get(type)
  return found === undefined ? undefined : readDer(found.value)
}
