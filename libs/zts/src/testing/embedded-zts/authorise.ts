/** Who may do what, decided from the policies of the domain that owns the resource (spec `zts.md` 4.1, 5.1). */
import { Refusal } from './answer.ts'
import { own, serviceIn, type ZtsAssertion, type ZtsDomain, type ZtsWorld } from './world.ts'

/** Whether some assertion allows it and none denies it. */
export function isAllowed(world: ZtsWorld, principal: string, action: string, resource: string): boolean {
  const domain = own(world.domains, resource.slice(0, resource.indexOf(':')))
  const matching = (domain?.policies ?? []).filter(
    (assertion) =>
      matches(assertion.action, action) &&
      matches(assertion.resource, resource) &&
      (own(domain?.roles, assertion.role) ?? []).some((member) => matches(member, principal)),
  )
  return matching.some(allows) && matching.every(allows)
}

const allows = ({ effect }: ZtsAssertion): boolean => effect !== 'deny'

/** `*` in a pattern stands for any text; case does not matter. */
export const matches = (pattern: string, text: string): boolean => {
  const escaped = pattern.toLowerCase().replace(/[.+?^${}()|[\]\\]/g, '\\$&')
  return new RegExp(`^${escaped.replaceAll('*', '.*')}$`).test(text.toLowerCase())
}

/** The domain; throws unless it and the service in it exist. */
export function domainOfService(world: ZtsWorld, domain: string, service: string): ZtsDomain {
  const found = own(world.domains, domain)
  if (found === undefined) throw new Refusal(404, `Domain not found: ${domain}`)
  if (own(found.services, service) === undefined) throw new Refusal(400, 'Service not registered in domain')
  return found
}

/** Throws unless the provider may launch instances, and those of this service. */
export function authoriseLaunch(world: ZtsWorld, provider: string, domain: string, service: string): void {
  if (own(world.domains, 'sys.auth') === undefined) throw new Refusal(404, 'Domain not found: sys.auth')
  if (!isAllowed(world, provider, 'launch', 'sys.auth:instance')) {
    throw new Refusal(403, `provider '${provider}' not authorized to launch instances in Athenz`)
  }
  if (!isAllowed(world, provider, 'launch', `${domain}:service.${service}`)) {
    throw new Refusal(403, `provider '${provider}' not authorized to launch ${domain}.${service} instances`)
  }
}

export interface ProviderSuffixes {
  /** Each with its leading dot. */
  readonly dns: readonly string[]
  readonly hostname: readonly string[]
  readonly deniedHostname: readonly string[]
}

/** From `launch` on `sys.auth:dns.<suffix>` and `sys.auth:hostname.<suffix>`; members are taken literally here. */
export function suffixesOf(world: ZtsWorld, provider: string): ProviderSuffixes {
  const system = own(world.domains, 'sys.auth')
  const launches = (system?.policies ?? []).filter(
    ({ action, role }) => action === 'launch' && (own(system?.roles, role) ?? []).includes(provider),
  )
  const allowed = launches.filter(allows)
  const denied = launches.filter((assertion) => !allows(assertion))
  return {
    dns: below('sys.auth:dns.', allowed),
    hostname: below('sys.auth:hostname.', allowed),
    deniedHostname: below('sys.auth:hostname.', denied),
  }
}

const below = (prefix: string, assertions: readonly ZtsAssertion[]): string[] =>
  assertions.flatMap(({ resource }) => (resource.startsWith(prefix) ? [`.${resource.slice(prefix.length)}`] : []))

/** Endpoint of a provider's callback; throws where a real ZTS has no use for what is registered. */
export function endpointOf(world: ZtsWorld, provider: string): URL {
  const endpoint = serviceIn(world, provider)?.providerEndpoint ?? ''
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined
  if (url?.protocol === 'https:') return url
  throw new Refusal(400, `unable to get instance for provider: ${provider}`)
}
