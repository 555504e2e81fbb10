/**
 * Every name that a pod's certificate carries, as follows from the pod and the cluster's configuration alone.
 *
 * The agent offers these names, the pod's CSR must repeat them, and the callback compares what ZTS shows it with them.
 */
import { IdentityError } from './error.ts'
import { canonicalIp } from './ip.ts'
import { domainOf, type DomainRules } from './naming.ts'
import type { Pod } from './pod.ts'

export type SpiffeForm = 'service' | 'trust-domain' | 'original' | 'none'

export interface NameRules extends DomainRules {
  /** Suffix of every DNS name, such as `svc.cluster.local`. */
  readonly dnsSuffix: string
  readonly spiffeForm: SpiffeForm
  /** For `spiffeForm: trust-domain`. */
  readonly trustDomain: string
  /** What a pod on its host's network gets: a refusal, or a certificate without an IP address. */
  readonly hostNetwork: 'refuse' | 'no-ip'
}

/** Subject and SANs of one workload. `ip` is in canonical text form. */
export interface WorkloadNames {
  readonly commonName: string
  readonly dns: readonly string[]
  readonly ip: readonly string[]
  readonly uri: readonly string[]
}

/** A pod as Athenz knows it. */
export interface Workload {
  readonly domain: string
  readonly service: string
  /** The pod UID: Athenz' instance id. */
  readonly instanceId: string
  readonly names: WorkloadNames
}

const SERVICE = /^[a-zA-Z0-9_][a-zA-Z0-9_-]*$/

/** Whether an Athenz service may be called so, its domain left out. */
export const isServiceName = (text: string): boolean => SERVICE.test(text)

/** Throws `IdentityError` with a reason when the pod can have no identity, or none yet (`POD_IP_PENDING`). */
export function workloadOf(pod: Pod, rules: NameRules): Workload {
  const domain = domainOf(pod.namespace, rules)
  const service = pod.serviceAccount
  if (!isServiceName(service)) throw new IdentityError('SERVICE_REFUSED', 'not an athenz service name', { service })
  const names: WorkloadNames = {
    commonName: `${domain}.${service}`,
    dns: [serviceDnsName(domain, service, rules.dnsSuffix), instanceDnsName(pod.uid, rules.dnsSuffix)],
    ip: addressesOf(pod, rules),
    uri: spiffeUrisOf(domain, service, pod.namespace, rules),
  }
  return { domain, service, instanceId: pod.uid, names }
}

/** `<instance id>.instanceid.athenz.<suffix>`: where ZTS reads the instance id from. */
export const instanceDnsName = (instanceId: string, dnsSuffix: string): string =>
  `${instanceId}.instanceid.athenz.${dnsSuffix}`

/**
 * `<service>.<domain with dashes for dots>.<suffix>`: the one name of a service that ZTS certifies, in every flow. It is
 * the name in kube-dns only where the domain has no dash and is no system namespace's.
 */
export const serviceDnsName = (domain: string, service: string, dnsSuffix: string): string =>
  `${service}.${domain.replaceAll('.', '-')}.${dnsSuffix}`

function addressesOf(pod: Pod, rules: NameRules): string[] {
  if (pod.hostNetwork) {
    if (rules.hostNetwork === 'no-ip') return []
    throw new IdentityError('HOST_NETWORK_REFUSED', 'pod uses the network of its host')
  }
  const ip = canonicalIp(pod.ip)
  if (ip === undefined) throw new IdentityError('POD_IP_PENDING', 'pod has no usable address yet', { ip: pod.ip })
  return [ip]
}

export function spiffeUrisOf(domain: string, service: string, namespace: string, rules: NameRules): string[] {
  switch (rules.spiffeForm) {
    case 'service':
      return [`spiffe://${domain}/sa/${service}`]
    case 'trust-domain':
      return [`spiffe://${rules.trustDomain}/ns/${namespace}/sa/${domain}.${service}`]
    case 'original':
      return [`spiffe://${rules.dnsSuffix.replace(/^svc\./, '')}/ns/${namespace}/sa/${service}`]
    case 'none':
      return []
  }
}
