/** What a ZTS asks of the CSR of a role certificate; every rule that it can be set to hold is held (`zts.md` 7). */
import { type Certificate, OID } from '@pallas/x509'
import { Refusal } from '../answer.ts'
import type { Caller } from '../calls.ts'
import { instanceIdOf, type RequestedNames, uriAfter } from '../instances/csr-reading.ts'
import { splitName, type ZtsWorld } from '../world.ts'
import type { RoleGrant } from './membership.ts'

export interface RoleRequestRules {
  readonly world: ZtsWorld
  readonly domain: string
  readonly role: string
  readonly grant: RoleGrant
  readonly caller: Caller
  /** Undefined for a caller known by a token. */
  readonly certificate: Certificate | undefined
}

/** Throws 400, with one text for everything, when the CSR is against a rule. */
export function checkRoleRequest(names: RequestedNames, rules: RoleRequestRules): void {
  const { principal, proxy } = rules.grant
  const holds =
    provesPrincipal(names, principal, rules.world) &&
    (proxy === undefined || provesProxy(names, proxy)) &&
    names.uri.every((uri) => KNOWN_URIS.some((prefix) => uri.startsWith(prefix))) &&
    hasFittingSpiffe(names, rules) &&
    hasNoForeignInstance(names, rules.certificate) &&
    hasOwnAddresses(names, rules) &&
    hasFittingSubject(names, rules)
  if (!holds) throw new Refusal(400, 'Unable to validate cert request')
}

const PRINCIPAL = 'athenz://principal/'
const PROXY_USER = 'athenz://proxyuser/'
const KNOWN_URIS = ['spiffe://', PRINCIPAL, PROXY_USER, 'athenz://instanceid/', 'athenz://hostname/']

/** By URI, by the one e-mail address, or by both. */
function provesPrincipal(names: RequestedNames, principal: string, { certDnsSuffixes }: ZtsWorld): boolean {
  const stated = uriAfter(PRINCIPAL, names.uri) ?? ''
  if (stated !== '' && stated.toLowerCase() !== principal) return false
  if (stated !== '' && names.email.length === 0) return true
  const [email, ...more] = names.email
  if (email === undefined || more.length > 0) return false
  return email.startsWith(`${principal}@`) && certDnsSuffixes.some((suffix) => email.endsWith(suffix))
}

function provesProxy({ uri }: RequestedNames, proxy: string): boolean {
  const stated = uri.filter((it) => it.startsWith(PROXY_USER))
  return stated.length === 1 && stated[0] === `${PROXY_USER}${proxy}`
}

function hasFittingSpiffe({ spiffe }: RequestedNames, { world, domain, role }: RoleRequestRules): boolean {
  const forms = [`spiffe://${domain}/ra/${role}`, `spiffe://${world.spiffeTrustDomain}/ns/${domain}/ra/${role}`]
  return spiffe === undefined || forms.includes(spiffe.toLowerCase())
}

/** A host or an instance may be named by whoever proved to be it. */
function hasNoForeignInstance(names: RequestedNames, certificate: Certificate | undefined): boolean {
  const host = names.hostname
  if (host !== undefined && host !== uriAfter('athenz://hostname/', certificate?.names.uri ?? [])) return false
  const instanceId = instanceIdOf(names)
  return instanceId === undefined || (certificate !== undefined && instanceId === instanceIdOf(certificate.names))
}

/** Those of the certificate that asks, the service's own DNS name, and the address it asks from. */
function hasOwnAddresses({ dns, ip }: RequestedNames, rules: RoleRequestRules): boolean {
  const { world, grant, caller, certificate } = rules
  const { domain, service } = splitName(grant.principal)
  const names = world.certDnsSuffixes.map((suffix) => `${service}.${domain.replaceAll('.', '-')}${suffix}`)
  const heldDns = certificate?.names.dns ?? []
  const heldIp = certificate?.names.ip ?? []
  const addresses = heldIp.length === 0 ? [caller.clientIp] : heldIp
  return dns.every((it) => names.includes(it) || heldDns.includes(it)) && ip.every((it) => addresses.includes(it))
}

function hasFittingSubject(names: RequestedNames, { world, certificate }: RoleRequestRules): boolean {
  const { allowedOrganizations, verifyOrganizationalUnit } = world
  if (allowedOrganizations.length > 0 && !names.organizations.every((it) => allowedOrganizations.includes(it))) {
    return false
  }
  const units = (certificate?.subject ?? []).filter(({ oid }) => oid === OID.organizationalUnit)
  const held = units.map(({ value }) => value)
  return !verifyOrganizationalUnit || names.organizationalUnits.every((it) => held.includes(it))
}
