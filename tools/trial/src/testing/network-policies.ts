/**
 * What NetworkPolicies let through, as a network that enforces them would: both ends must allow. It knows the fields that
 * `deploy/` uses; whatever else a policy says is an error, so that none is judged by half.
 */
import type { Deployed } from './deployed.ts'

export type Labels = Readonly<Record<string, string>>

/** A pod; or the node that it runs on; or what else is no pod of this cluster: other nodes, the API server, whoever is outside. */
export type Party = PodParty | 'its node' | 'outside'

export interface PodParty {
  readonly namespace: string
  readonly namespaceLabels?: Labels
  readonly labels: Labels
}

export interface Flow {
  readonly from: Party
  readonly to: Party
  readonly port: number
  readonly protocol: 'TCP' | 'UDP'
}

interface Selector {
  readonly matchLabels?: Labels
}

interface Peer {
  readonly podSelector?: Selector
  readonly namespaceSelector?: Selector
}

interface Rule {
  readonly peers: readonly Peer[] | undefined
  readonly ports: readonly { readonly protocol: string; readonly port: number }[] | undefined
}

export interface Policy {
  readonly name: string
  readonly namespace: string
  readonly pods: Selector
  /** Undefined: it says nothing about this direction. */
  readonly ingress: readonly Rule[] | undefined
  readonly egress: readonly Rule[] | undefined
}

type Fields = Readonly<Record<string, unknown>>

/** Throws `TypeError` for a field that it does not know. */
export function parsePolicy({ metadata, spec = {} }: Pick<Deployed, 'metadata' | 'spec'>): Policy {
  const { podSelector, policyTypes, ingress, egress } = only(spec, ['podSelector', 'policyTypes', 'ingress', 'egress'])
  const types = policyTypes as readonly string[]
  return {
    name: metadata.name,
    namespace: metadata.namespace ?? '',
    pods: selectorOf(podSelector),
    ingress: types.includes('Ingress') ? rulesOf(ingress, 'from') : undefined,
    egress: types.includes('Egress') ? rulesOf(egress, 'to') : undefined,
  }
}

const rulesOf = (rules: unknown, side: 'from' | 'to'): Rule[] =>
  ((rules ?? []) as readonly Fields[]).map((rule) => {
    const { [side]: peers, ports } = only(rule, [side, 'ports'])
    return { peers: (peers as readonly Fields[] | undefined)?.map(peerOf), ports: (ports as readonly Fields[] | undefined)?.map(portOf) }
  })

function peerOf(peer: Fields): Peer {
  const { podSelector, namespaceSelector } = only(peer, ['podSelector', 'namespaceSelector'])
  return {
    ...(podSelector === undefined ? {} : { podSelector: selectorOf(podSelector) }),
    ...(namespaceSelector === undefined ? {} : { namespaceSelector: selectorOf(namespaceSelector) }),
  }
}

function portOf(entry: Fields): { protocol: string; port: number } {
  const { protocol, port } = only(entry, ['protocol', 'port'])
  if (typeof protocol === 'string' && typeof port === 'number') return { protocol, port }
  throw new TypeError('a port without protocol and number')
}

const selectorOf = (selector: unknown): Selector => only(selector as Fields, ['matchLabels'])

function only(fields: Fields, known: readonly string[]): Fields {
  const unknown = Object.keys(fields).filter((name) => !known.includes(name))
  if (unknown.length > 0) throw new TypeError(`fields that are not judged here: ${unknown.join()}`)
  return fields
}

export const isAllowed = (policies: readonly Policy[], flow: Flow): boolean =>
  lets(policies, 'egress', flow, { self: flow.from, other: flow.to }) && lets(policies, 'ingress', flow, { self: flow.to, other: flow.from })

const isPod = (party: Party): party is PodParty => typeof party === 'object'

interface Ends {
  readonly self: Party
  readonly other: Party
}

/**
 * Whoever no policy selects for a direction is free in it, and who is no pod is no concern of policies. A node always reaches its
 * own pods (kubernetes.io/docs/concepts/services-networking/network-policies): so come the probes of the kubelet.
 */
function lets(policies: readonly Policy[], direction: 'ingress' | 'egress', flow: Flow, { self, other }: Ends): boolean {
  if (!isPod(self) || (direction === 'ingress' && other === 'its node')) return true
  const about = policies.filter((policy) => policy[direction] !== undefined && policy.namespace === self.namespace && matches(policy.pods, self.labels))
  const rules = about.flatMap((policy) => policy[direction] ?? [])
  return about.length === 0 || rules.some((rule) => ruleLets(rule, flow, { self, other }))
}

const ruleLets = ({ peers, ports }: Rule, { port, protocol }: Flow, { self, other }: Ends): boolean =>
  (peers === undefined || peers.some((peer) => isPeer(peer, self, other))) &&
  (ports === undefined || ports.some((it) => it.port === port && it.protocol === protocol))

/** Without a selector of namespaces it is pods of the policy's own. */
function isPeer({ podSelector = {}, namespaceSelector }: Peer, self: Party, other: Party): boolean {
  if (!isPod(other) || !isPod(self)) return false
  const isThere = namespaceSelector === undefined ? other.namespace === self.namespace : matches(namespaceSelector, other.namespaceLabels ?? {})
  return isThere && matches(podSelector, other.labels)
}

const matches = ({ matchLabels = {} }: Selector, labels: Labels): boolean => Object.entries(matchLabels).every(([name, value]) => labels[name] === value)
