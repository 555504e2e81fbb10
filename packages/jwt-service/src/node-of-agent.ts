/**
 * Which Node an agent speaks for: the one that a DNS name of its certificate belongs to, and never what it says itself.
 *
 * A name belongs to a Node when it is the Node's own or one of its Hostname and InternalDNS addresses. A kubelet can
 * write those, so a name that two Nodes claim gives nobody's pods to anybody: `NODE_UNKNOWN`, as for no Node at all.
 */
import { IdentityError } from '@pallas/identity'
import { type Node, nodeNamesOf } from '@pallas/kubernetes'
import type { Clock } from '@pallas/runtime'

export interface NodeOfAgentDeps {
  readonly listNodes: (signal?: AbortSignal) => Promise<readonly Node[]>
  readonly clock: Pick<Clock, 'monotonic'>
}

/** Takes the DNS SANs of the agent's certificate. Throws `NODE_UNKNOWN`, or what listing nodes throws. */
export type NodeOfAgent = (dnsNames: readonly string[], signal?: AbortSignal) => Promise<string>

/** How long a Node that was deleted may still be spoken for; the pod itself is looked up each time. */
const FRESH_MS = 15_000
/** A name nobody has may be that of a new Node: look again, but not at every request. */
const RETRY_MS = 1_000

interface Index {
  readonly nodesByName: ReadonlyMap<string, ReadonlySet<string>>
  readonly readAt: number
}

export function createNodeOfAgent({ listNodes, clock }: NodeOfAgentDeps): NodeOfAgent {
  let index: Index | undefined
  let reading: Promise<Index> | undefined

  const ageOf = (it: Index): number => clock.monotonic() - it.readAt
  const read = async (): Promise<Index> => {
    const readAt = clock.monotonic()
    index = { nodesByName: indexOf(await listNodes()), readAt }
    return index
  }
  /** One list at a time, shared by all who wait for it; hence no caller's signal ends it. */
  const indexNoOlderThan = async (ageMs: number): Promise<Index> => {
    if (index !== undefined && ageOf(index) <= ageMs) return index
    reading ??= read().finally(() => {
      reading = undefined
    })
    return reading
  }

  return async (dnsNames, signal) => {
    let nodes = nodesNamed(dnsNames, await indexNoOlderThan(FRESH_MS))
    signal?.throwIfAborted()
    if (nodes.size === 0) nodes = nodesNamed(dnsNames, await indexNoOlderThan(RETRY_MS))
    const [node] = nodes
    if (node !== undefined && nodes.size === 1) return node
    throw new IdentityError('NODE_UNKNOWN', 'the certificate does not name exactly one node', { nodes: nodes.size })
  }
}

function indexOf(nodes: readonly Node[]): Index['nodesByName'] {
  const pairs = nodes.flatMap((node) => nodeNamesOf(node).map((name) => ({ name, node: node.name })))
  const grouped = Map.groupBy(pairs, ({ name }) => name)
  return new Map([...grouped].map(([name, group]) => [name, new Set(group.map(({ node }) => node))]))
}

const nodesNamed = (dnsNames: readonly string[], { nodesByName }: Index): ReadonlySet<string> =>
  new Set(dnsNames.flatMap((name) => [...(nodesByName.get(name) ?? [])]))
