/**
 * Athenz domains and the Kubernetes namespaces they stand for.
 *
 * `media.on-air` ⇄ `media-on--air`: a dot becomes one dash, a dash becomes two. The mapping can be undone because no
 * part of a domain begins or ends with a dash. System namespaces (`kube-…` and those configured) belong to the
 * cluster's administrators: their domain is `<admin domain>.<namespace>`, and no other namespace may map below the
 * admin domain.
 */
import { IdentityError } from './error.ts'

export interface DomainRules {
  /** Athenz domain of the cluster's administrators, such as `k8s.admin`. */
  readonly adminDomain: string
  /** Exact names of namespaces treated like `kube-…`. */
  readonly systemNamespaces: readonly string[]
}

const DOMAIN = /^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$/
const NAMESPACE = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/

export const isDomain = (text: string): boolean => DOMAIN.test(text)

/** The namespace spelling of a domain; no check whether it fits Kubernetes' 63 characters. */
export const mangle = (domain: string): string => domain.replaceAll('-', '--').replaceAll('.', '-')

/** Throws `IdentityError` `NAMESPACE_REFUSED` for a namespace with no domain, or one that collides with the admin's. */
export function domainOf(namespace: string, rules: DomainRules): string {
  const { domain, fault } = translate(namespace, rules)
  if (fault !== undefined) throw new IdentityError('NAMESPACE_REFUSED', fault, { text: namespace })
  return domain
}

/** Undefined when no namespace stands for the domain. */
export function namespaceOf(domain: string, rules: DomainRules): string | undefined {
  const below = domain.startsWith(`${rules.adminDomain}.`) ? domain.slice(rules.adminDomain.length + 1) : undefined
  const namespace = below !== undefined && isSystem(below, rules) ? below : mangle(domain)
  return translate(namespace, rules).domain === domain ? namespace : undefined
}

const isSystem = (namespace: string, { systemNamespaces }: DomainRules): boolean =>
  namespace.startsWith('kube-') || systemNamespaces.includes(namespace)

type Translation = { readonly domain: string; readonly fault?: undefined } | { readonly domain?: undefined; readonly fault: string }

function translate(namespace: string, rules: DomainRules): Translation {
  if (!NAMESPACE.test(namespace)) return { fault: 'not a namespace' }
  if (isSystem(namespace, rules)) return { domain: `${rules.adminDomain}.${namespace}` }
  const domain = namespace.replace(/--|-/g, (dashes) => (dashes === '-' ? '.' : '-'))
  if (!DOMAIN.test(domain) || mangle(domain) !== namespace) return { fault: 'stands for no athenz domain' }
  return domain.startsWith(`${rules.adminDomain}.`) ? { fault: 'maps into the admin domain' } : { domain }
}
