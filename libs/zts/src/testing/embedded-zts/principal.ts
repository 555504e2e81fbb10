/**
 * Who is calling: the common name of a client certificate, or the service of a token (spec `zts.md` 2).
 *
 * The common name of a role certificate is the role: who holds it is said by its principal URI or its e-mail address.
 */
import { createHash, X509Certificate } from 'node:crypto'
import { type Certificate, OID, readCertificate } from '@pallas/x509'
import { Refusal } from './answer.ts'
import { uriAfter } from './instances/csr-reading.ts'
import type { TokenCheck } from './tokens.ts'

export interface Principal {
  /** `<domain>.<service>`, lower case. */
  readonly name: string
  /** Undefined for a caller known by a token. */
  readonly certificate: Certificate | undefined
  /** Key that signed the token. */
  readonly keyId: string | undefined
  /** `<domain>:role.<role>` of a role certificate; undefined for a service that comes as itself. */
  readonly roles?: readonly string[]
}

export interface Credentials {
  /** DER of a client certificate that chains to the CA of this ZTS. */
  readonly certificate: Uint8Array | undefined
  readonly token: string | undefined
}

/** Undefined when there is no credential at all; one that is of no use is 401. The token is looked at first. */
export async function principalOf(
  { certificate, token }: Credentials,
  checkToken: TokenCheck,
): Promise<Principal | undefined> {
  if (token !== undefined) {
    const said = await checkToken(token)
    if (said !== undefined) return { name: said.name, certificate: undefined, keyId: said.keyId }
  }
  if (certificate !== undefined) return fromCertificate(readCertificate(certificate))
  if (token !== undefined) throw notAuthenticated()
  return undefined
}

function fromCertificate(certificate: Certificate): Principal {
  const units = certificate.subject.filter(({ oid }) => oid === OID.organizationalUnit)
  if (units.some(({ value }) => value.endsWith(':restricted'))) {
    throw new Refusal(401, 'certificate is mTLS restricted')
  }
  const commonName = certificate.commonName?.toLowerCase() ?? ''
  const isRole = commonName.includes(':role.')
  const name = isRole ? holderOf(certificate) : commonName
  if (!name.includes('.')) throw notAuthenticated()
  return { name, certificate, keyId: undefined, ...(isRole ? { roles: [commonName] } : {}) }
}

/** Empty for a role certificate that does not say whose it is. */
function holderOf({ names: { uri, email } }: Certificate): string {
  const stated = uriAfter('athenz://principal/', uri) ?? (email.length === 1 ? email[0]?.split('@', 1)[0] : undefined)
  return stated?.toLowerCase() ?? ''
}

/** Throws 403 for whoever comes with a role certificate. */
export function checkIsService({ roles }: Principal): void {
  if (roles !== undefined) throw new Refusal(403, 'Role Identity not authorized for request')
}

export const notAuthenticated = () => new Refusal(401, 'Invalid credentials', { challenges: true })

/** What register tells the callback of a client certificate: names as Java writes them, a hash of an RSA modulus. */
export function certificateAttributes({ der }: Certificate): Record<string, string> {
  const { issuer, subject, publicKey } = new X509Certificate(der)
  const { n } = publicKey.export({ format: 'jwk' })
  return {
    certIssuerDn: dnOf(issuer),
    certSubjectDn: dnOf(subject),
    certRsaModHash: n === undefined ? '' : createHash('sha256').update(Buffer.from(n, 'base64url')).digest('hex'),
  }
}

const dnOf = (lines: string | undefined): string => (lines ?? '').split('\n').toReversed().join(',')
