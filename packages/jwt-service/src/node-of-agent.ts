/**
 * Which Node an agent speaks for, by its certificate and never by what it says itself: the node of the running agent pod
 * whose UID the certificate carries, or, for one that was provisioned on the host, the Node that it names.
 *
 * A certificate with an instance name has no other names but that of its service and those of the same Node. Whatever
 * only looks like an instance name, in another case, of another suffix, or a second one, makes it a certificate of nobody.
 */
import { IdentityError, instanceDnsName, type NameRules, namespaceOf, serviceDnsName } from '@pallas/identity'
import { isPodUid } from '@pallas/wire'
import type { FindAgent } from './find-agent.ts'
import type { NodeByNames } from './node-by-names.ts'

export interface NodeOfAgentDeps {
  /** Common name of agents. */
  readonly identityCn: string
  /** As the configuration says now. */
  readonly names: () => NameRules
  readonly findAgent: FindAgent
  readonly nodeByNames: NodeByNames
}

/** Takes the DNS SANs of the agent's certificate. Throws `NODE_UNKNOWN`, `NODE_AMBIGUOUS`, or of kind `unavailable`. */
export type NodeOfAgent = (dnsNames: readonly string[], signal?: AbortSignal) => Promise<string>

export function createNodeOfAgent({ identityCn, names, findAgent, nodeByNames }: NodeOfAgentDeps): NodeOfAgent {
  const { domain, service } = partsOf(identityCn)

  return async (dnsNames, signal) => {
    const rules = names()
    const { instanceId, rest } = sorted(dnsNames, rules.dnsSuffix)
    const others = rest.filter((name) => name !== serviceDnsName(domain, service, rules.dnsSuffix))
    if (instanceId === undefined) return nodeByNames(others, signal)
    // Where no namespace stands for the domain, no pod is an agent.
    const namespace = namespaceOf(domain, rules)
    const agent = namespace === undefined ? undefined : await findAgent({ uid: instanceId, namespace, serviceAccount: service }, signal)
    if (agent === undefined) throw unknown('no such agent runs here')
    if (others.length > 0 && (await nodeByNames(others, signal)) !== agent.node) throw unknown('its names are of different nodes')
    return agent.node
  }
}

const INSTANCE_NAME = /(^|\.)instanceid\.athenz(\.|$)/i

function sorted(dnsNames: readonly string[], suffix: string): { instanceId: string | undefined; rest: readonly string[] } {
  const [first, ...more] = dnsNames.filter((name) => INSTANCE_NAME.test(name))
  if (more.length > 0) throw unknown('it has several instance names')
  const instanceId = first?.slice(0, first.indexOf('.'))
  if (instanceId !== undefined && (!isPodUid(instanceId) || first !== instanceDnsName(instanceId, suffix))) {
    throw unknown('not an instance name of this cluster')
  }
  return { instanceId, rest: dnsNames.filter((name) => name !== first) }
}

function partsOf(name: string): { domain: string; service: string } {
  const dot = name.lastIndexOf('.')
  return { domain: name.slice(0, Math.max(dot, 0)), service: name.slice(dot + 1) }
}

const unknown = (message: string) => new IdentityError('NODE_UNKNOWN', message)
