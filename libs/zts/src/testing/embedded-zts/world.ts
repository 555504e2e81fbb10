/** What a ZTS knows of the world: domains, services, who may do what. Plain and mutable: its holder may change it. */

export interface ZtsWorld {
  domains: Record<string, ZtsDomain>
  /** Where DNS names of key owners and e-mail addresses of role holders must end, each with its leading dot. */
  certDnsSuffixes: string[]
  /** Of `spiffe://<trust domain>/ns/…`. */
  spiffeTrustDomain: string
  /** Allowed O values in subjects; any when empty. */
  allowedOrganizations: string[]
  /** Whether an OU in a subject must be the provider's name or what the provider says. */
  verifyOrganizationalUnit: boolean
  /** Services that may ask for the roles of somebody else. */
  proxyUsers: string[]
  /** Whether an access token comes with an id token for the service that the scope names. */
  idTokens: boolean
  /** Name → PEM of `/cacerts/<name>`, besides `athenz`. */
  caBundles: Record<string, string>
}

export interface ZtsDomain {
  services: Record<string, ZtsService>
  /** Role name → members: `<domain>.<service>`, with `*` for any text. */
  roles: Record<string, string[]>
  roleSettings?: Record<string, RoleSettings>
  policies: ZtsAssertion[]
  /** DNS suffix that the domain's own services may use, without the leading dot; providers never see such names. */
  certDnsDomain?: string
  serviceCertExpiryMinutes?: number
  /** Where no role among those granted has a limit of its own. */
  roleCertExpiryMinutes?: number
  tokenExpiryMinutes?: number
}

/** Zero and absent are no limit. */
export interface RoleSettings {
  certExpiryMinutes?: number
  tokenExpiryMinutes?: number
}

export interface ZtsService {
  /** Key id → PEM of a public key. */
  publicKeys: Record<string, string>
  /** Base URL of the callback, when the service is a provider. */
  providerEndpoint?: string
}

export interface ZtsAssertion {
  role: string
  action: string
  /** `<domain>:<entity>`, with `*` for any text. */
  resource: string
  effect?: 'allow' | 'deny'
}

export interface SmallWorld {
  /** Fully qualified service of the callback. */
  readonly provider: string
  readonly endpoint: string
  /** Suffixes without a leading dot that the provider may use. */
  readonly dnsSuffixes: readonly string[]
  /** `<domain>.<service>` of each workload that the provider may launch. */
  readonly services: readonly string[]
  readonly trustDomain?: string
}

/** The least world in which one provider launches some services. */
export function worldOf({ provider, endpoint, dnsSuffixes, services, trustDomain }: SmallWorld): ZtsWorld {
  const world: ZtsWorld = {
    domains: {},
    certDnsSuffixes: dnsSuffixes.map((suffix) => `.${suffix}`),
    spiffeTrustDomain: trustDomain ?? 'athenz.io',
    allowedOrganizations: [],
    verifyOrganizationalUnit: false,
    proxyUsers: [],
    idTokens: false,
    caBundles: {},
  }
  const system = domainIn(world, 'sys.auth')
  system.services['zts'] = { publicKeys: {} }
  system.roles['providers'] = [provider]
  system.policies = ['instance', ...dnsSuffixes.map((suffix) => `dns.${suffix}`)].map((entity) => ({
    role: 'providers',
    action: 'launch',
    resource: `sys.auth:${entity}`,
  }))
  addService(world, provider).providerEndpoint = endpoint
  for (const service of services) allowLaunch(world, provider, service)
  return world
}

/** Makes the service, if it is new, and lets the provider launch it. */
export function allowLaunch(world: ZtsWorld, provider: string, name: string): void {
  addService(world, name)
  const { domain, service } = splitName(name)
  const { roles, policies } = domainIn(world, domain)
  roles[`launcher-of-${service}`] = [provider]
  policies.push({ role: `launcher-of-${service}`, action: 'launch', resource: `${domain}:service.${service}` })
}

/** Makes the role, with its domain if that is new, and lets these be its members; `*` stands for any text. */
export function allowRole(world: ZtsWorld, domain: string, role: string, members: readonly string[]): void {
  domainIn(world, domain).roles[role] = [...members]
}

/** The service of that name, made together with its domain if it is new. */
export function addService(world: ZtsWorld, name: string): ZtsService {
  const { domain, service } = splitName(name)
  return (domainIn(world, domain).services[service] ??= { publicKeys: {} })
}

export const domainIn = (world: ZtsWorld, domain: string): ZtsDomain =>
  (world.domains[domain] ??= { services: {}, roles: {}, policies: [] })

export const serviceIn = (world: ZtsWorld, name: string): ZtsService | undefined => {
  const { domain, service } = splitName(name)
  return own(own(world.domains, domain)?.services, service)
}

/** Names come from requests: `constructor` is no domain. */
export const own = <T>(record: Readonly<Record<string, T>> | undefined, key: string): T | undefined =>
  record !== undefined && Object.hasOwn(record, key) ? record[key] : undefined

export function splitName(name: string): { domain: string; service: string } {
  const dot = name.lastIndexOf('.')
  return { domain: name.slice(0, Math.max(dot, 0)), service: name.slice(dot + 1) }
}
