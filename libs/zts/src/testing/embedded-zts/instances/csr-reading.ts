/** A CSR as a ZTS reads it: never checking its own signature, taking any key, any label, any names. */
import { CSR_LABEL, type Csr, readCsr, X509Error } from '@pallas/x509'
import { Refusal } from '../answer.ts'

export interface RequestedNames {
  readonly commonName: string | undefined
  readonly organizations: readonly string[]
  readonly organizationalUnits: readonly string[]
  readonly dns: readonly string[]
  readonly ip: readonly string[]
  readonly uri: readonly string[]
  readonly email: readonly string[]
  readonly spiffe: string | undefined
  /** Of an `athenz://hostname/` URI. */
  readonly hostname: string | undefined
}

export interface ReadRequest {
  readonly csr: Csr
  readonly names: RequestedNames
}

/** `unparsable` begins the text of a refusal: calls differ in it. */
export function readRequest(pem: string, unparsable = 'unable to parse PKCS10 CSR'): ReadRequest {
  const csr = parse(pem, unparsable)
  const spiffes = csr.names.uri.filter((uri) => uri.startsWith('spiffe://'))
  if (spiffes.length > 1) throw new Refusal(400, `${unparsable}: Invalid SPIFFE URI present in CSR`)
  const values = (oid: string) => csr.subject.filter((part) => part.oid === oid).map(({ value }) => value)
  return {
    csr,
    names: {
      commonName: csr.commonName,
      organizations: values(ORGANIZATION),
      organizationalUnits: values(ORGANIZATIONAL_UNIT),
      dns: csr.names.dns,
      ip: csr.names.ip,
      uri: csr.names.uri,
      email: csr.names.email,
      spiffe: spiffes[0],
      hostname: uriAfter('athenz://hostname/', csr.names.uri),
    },
  }
}

const ORGANIZATION = '2.5.4.10'
const ORGANIZATIONAL_UNIT = '2.5.4.11'

function parse(pem: string, unparsable: string): Csr {
  try {
    return readCsr(pem.replaceAll(`NEW ${CSR_LABEL}`, CSR_LABEL))
  } catch (error) {
    if (!(error instanceof X509Error)) throw error
    throw new Refusal(400, `${unparsable}: ${hasTwoCommonNames(pem) ? TWICE : 'Invalid csr provided'}`)
  }
}

const TWICE = 'Unable to extract CN from CSR:CSR Subject contains multiple values for the same field.'

/** The strict reader has one error for every defect; this one has a text of its own in ZTS. */
function hasTwoCommonNames(pem: string): boolean {
  const type = Buffer.from('0603550403', 'hex')
  const der = Buffer.from(pem.replaceAll(/-----[^-]+-----/g, ''), 'base64')
  return der.indexOf(type) !== der.lastIndexOf(type)
}

/** From the first `athenz://instanceid/<any provider>/` URI, else from the first DNS name that holds one. */
export function instanceIdOf({ uri, dns }: Pick<RequestedNames, 'uri' | 'dns'>): string | undefined {
  const [, inUri] = /^[^/]*\/(.*)$/s.exec(uriAfter('athenz://instanceid/', uri) ?? '') ?? []
  if (inUri !== undefined) return inUri
  const name = dns.find((it) => it.includes(INSTANCE_LABELS))
  return name?.slice(0, name.indexOf(INSTANCE_LABELS))
}

const INSTANCE_LABELS = '.instanceid.athenz.'

/** What follows the prefix in the first of the URIs that begin with it. */
export const uriAfter = (prefix: string, uris: readonly string[]): string | undefined =>
  uris.find((uri) => uri.startsWith(prefix))?.slice(prefix.length)
