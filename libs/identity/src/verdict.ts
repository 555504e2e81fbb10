/**
 * The callback's answer to ZTS: whether every name that ZTS shows is exactly what follows from the pod as it is now.
 */
import { IdentityError } from './error.ts'
import { canonicalIp, isWithin } from './ip.ts'
import { type NameRules, type Workload, workloadOf } from './names.ts'
import { type Pod, podState } from './pod.ts'
import type { ReasonCode } from './reason.ts'

/** What ZTS shows of a request. Lists are as ZTS splits them, in any order; IP addresses in any spelling. */
export interface ShownInstance {
  readonly provider: string
  readonly domain: string
  readonly service: string
  readonly instanceId: string
  readonly sanDns: readonly string[]
  readonly sanIp: readonly string[]
  readonly sanUri: readonly string[]
  /** Whoever dialled ZTS; undefined when ZTS does not say. */
  readonly clientIp: string | undefined
}

/** Who may dial ZTS: anyone; an address of the pod's node; or whoever is in these CIDRs. */
export type ClientIpPolicy =
  | { readonly kind: 'ignore' }
  | { readonly kind: 'node'; readonly addresses: readonly string[] }
  | { readonly kind: 'cidrs'; readonly cidrs: readonly string[] }

export interface VerdictRules {
  readonly names: NameRules
  /** Fully qualified Athenz service that we answer for. */
  readonly provider: string
  readonly clientIp: ClientIpPolicy
  /** A terminating pod may renew an identity, not get its first. */
  readonly occasion: 'first' | 'renewal'
}

/** `fields` holds what was shown and what was wanted: names, never a secret. */
export type Verdict =
  | { readonly allow: true; readonly workload: Workload }
  | { readonly allow: false; readonly reason: ReasonCode; readonly fields: Readonly<Record<string, unknown>> }

type Refusal = Extract<Verdict, { allow: false }>

/**
 * Compares literally, name by name; nothing is a pattern, nothing is normalised but the spelling of IP addresses.
 * The reason may be of kind `unavailable` (`POD_IP_PENDING`): the pod may be right a moment later.
 */
export function judge(shown: ShownInstance, pod: Pod, rules: VerdictRules): Verdict {
  if (shown.provider !== rules.provider) {
    return refusal('PROVIDER_MISMATCH', { shown: shown.provider, wanted: rules.provider })
  }
  const ended = stateRefusal(pod, rules)
  if (ended !== undefined) return ended
  const workload = workloadFor(pod, rules.names)
  if ('reason' in workload) return workload
  return nameRefusal(shown, workload) ?? clientRefusal(shown.clientIp, rules.clientIp) ?? { allow: true, workload }
}

function stateRefusal(pod: Pod, { occasion }: VerdictRules): Refusal | undefined {
  const state = podState(pod)
  if (state === 'ended') return refusal('POD_ENDED', { phase: pod.phase })
  return state === 'terminating' && occasion === 'first' ? refusal('POD_TERMINATING', {}) : undefined
}

function workloadFor(pod: Pod, rules: NameRules): Workload | Refusal {
  try {
    return workloadOf(pod, rules)
  } catch (error) {
    if (error instanceof IdentityError) return refusal(error.code, error.fields)
    throw error
  }
}

function nameRefusal(shown: ShownInstance, { domain, service, instanceId, names }: Workload): Refusal | undefined {
  const pairs: readonly (readonly [ReasonCode, readonly string[], readonly string[]])[] = [
    ['DOMAIN_MISMATCH', [shown.domain], [domain]],
    ['SERVICE_MISMATCH', [shown.service], [service]],
    ['INSTANCE_ID_MISMATCH', [shown.instanceId], [instanceId]],
    ['SAN_DNS_MISMATCH', shown.sanDns, names.dns],
    ['SAN_IP_MISMATCH', shown.sanIp.map((ip) => canonicalIp(ip) ?? ip), names.ip],
    ['SAN_URI_MISMATCH', shown.sanUri, names.uri],
  ]
  const differs = pairs.find(([, found, wanted]) => !sameSet(found, wanted))
  return differs && refusal(differs[0], { shown: differs[1], wanted: differs[2] })
}

function clientRefusal(clientIp: string | undefined, policy: ClientIpPolicy): Refusal | undefined {
  if (policy.kind === 'ignore') return undefined
  const allowed = policy.kind === 'cidrs' ? policy.cidrs : policy.addresses.map(asRange)
  if (clientIp !== undefined && isWithin(clientIp, allowed)) return undefined
  return refusal('CLIENT_IP_MISMATCH', { shown: clientIp, policy: policy.kind })
}

/** The range of one address. */
const asRange = (ip: string): string => `${ip}/${ip.includes(':') ? 128 : 32}`

/** A name that is shown twice makes the sets differ. */
function sameSet(found: readonly string[], wanted: readonly string[]): boolean {
  const set = new Set(found)
  return set.size === found.length && found.length === wanted.length && wanted.every((name) => set.has(name))
}

const refusal = (reason: ReasonCode, fields: Readonly<Record<string, unknown>>): Refusal => ({
  allow: false,
  reason,
  fields,
})
