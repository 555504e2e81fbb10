/** What a ZTS itself asks of a CSR, in its order; the rest is the provider's duty (`zts.md` 6, `zts-recorded.md` 4). */
import { Refusal } from '../answer.ts'
import type { ProviderSuffixes } from '../authorise.ts'
import type { RequestedNames } from './csr-reading.ts'

export interface CsrRules {
  readonly domain: string
  readonly service: string
  readonly suffixes: ProviderSuffixes
  readonly certDnsDomain: string | undefined
  readonly hostname: string | undefined
  readonly namespace: string | undefined
  readonly spiffeTrustDomain: string
  readonly allowedOrganizations: readonly string[]
}

/** The DNS names to show to the provider; throws 400 when the CSR is against a rule. */
export function checkCsr(names: RequestedNames, instanceId: string, rules: CsrRules): string[] {
  if (instanceId === '') throw failed('InstanceId cannot be empty')
  checkCommonName(names, rules)
  const stated = names.hostname ?? ''
  if (stated !== '' && stated !== rules.hostname) {
    throw failed(`Instance/Uri hostname mismatch: ${rules.hostname ?? null} vs. ${stated}`)
  }
  const shown = names.dns.length === 0 ? [] : checkDnsNames(names.dns, rules)
  const organizations = names.organizations
  if (rules.allowedOrganizations.length > 0 && organizations.some((it) => !rules.allowedOrganizations.includes(it))) {
    throw failed('Unable to validate Subject O Field')
  }
  checkSpiffe(names.spiffe, rules)
  return shown
}

/** Without a common name a SPIFFE URI must do; such a certificate can never refresh. */
function checkCommonName({ commonName, spiffe }: RequestedNames, { domain, service }: CsrRules): void {
  if (commonName === undefined && spiffe === undefined) {
    throw failed('CSR contains neither a CommonName nor a SPIFFE URI')
  }
  if (commonName !== undefined && !same(commonName, `${domain}.${service}`)) {
    throw failed('Unable to validate CSR common name')
  }
}

function checkDnsNames(dns: readonly string[], rules: CsrRules): string[] {
  const { hostname = '', suffixes, domain, service, certDnsDomain } = rules
  if (hostname !== '' && !mayUseHostname(hostname, suffixes)) {
    throw failed(`Unable to validate Instance hostname: ${hostname}`)
  }
  const ownWildcard = `*.${service}.${domain.replaceAll('.', '-')}.`
  return dns.filter((name) => {
    if (suffixes.dns.some((suffix) => name.endsWith(suffix))) return !name.startsWith(ownWildcard)
    if (certDnsDomain !== undefined && name.endsWith(`.${certDnsDomain}`)) return false
    if (hostname !== '' && same(name, hostname)) return true
    throw failed(`${name} does not end with provider/service configured suffix or hostname`)
  })
}

const mayUseHostname = (hostname: string, { hostname: allowed, deniedHostname }: ProviderSuffixes): boolean =>
  allowed.some((suffix) => hostname.endsWith(suffix)) && !deniedHostname.some((suffix) => hostname.endsWith(suffix))

export function checkSpiffe(
  spiffe: string | undefined,
  rules: Pick<CsrRules, 'domain' | 'service' | 'namespace' | 'spiffeTrustDomain'>,
): void {
  if (spiffe === undefined || spiffeFormsOf(rules).some((form) => same(form, spiffe))) return
  throw failed('Unable to validate Service SPIFFE URI')
}

const spiffeFormsOf = ({ domain, service, namespace, spiffeTrustDomain }: Parameters<typeof checkSpiffe>[1]) => [
  `spiffe://${domain}/sa/${service}`,
  `spiffe://${spiffeTrustDomain}/ns/${namespace || 'default'}/sa/${domain}.${service}`,
]

/** After the callback, which may have named the OU. */
export function checkOrganizationalUnit(
  { organizationalUnits }: RequestedNames,
  allowed: readonly (string | undefined)[],
): void {
  if (organizationalUnits.every((unit) => allowed.includes(unit.replace(/:restricted$/, '')))) return
  throw new Refusal(400, 'CSR Subject OrgUnit validation failed')
}

const same = (one: string, other: string) => one.toLowerCase() === other.toLowerCase()

export const failed = (reason: string) => new Refusal(400, `CSR validation failed - ${reason}`)
