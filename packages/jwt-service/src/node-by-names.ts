/**
 * Which Node a provisioned certificate is for: the one that a DNS name in it belongs to.
 *
 * A Node's own name is its alone. Hostname and InternalDNS addresses are what a kubelet says of itself, so they count
 * only for a certificate without any Node's name, and a claim that makes them ambiguous denies nobody: it is
 * `NODE_AMBIGUOUS`, worth a retry, and tells which Nodes.
 */
import { IdentityError } from '@pallas/identity'
import { type Node, nodeAddressesOf } from '@pallas/kubernetes'
import type { Clock } from '@pallas/runtime'
import { createFresh } from './fresh.ts'

export interface NodeByNamesDeps {
  readonly listNodes: (signal?: AbortSignal) => Promise<readonly Node[]>
  readonly clock: Pick<Clock, 'monotonic'>
}

/** Throws `NODE_UNKNOWN`, `NODE_AMBIGUOUS`, or as listing nodes does. */
export type NodeByNames = (dnsNames: readonly string[], signal?: AbortSignal) => Promise<string>

/** How long a Node that was deleted may still be spoken for; the pod itself is looked up each time. */
const FRESH_MS = 15_000
/** A name nobody has may be that of a new Node: look again, but not at every request. */
const RETRY_MS = 1_000
/** A cluster of liars is told by a few. */
const MOST_TOLD = 10

interface Index {
  readonly names: ReadonlySet<string>
  readonly nodesByAddress: ReadonlyMap<string, readonly string[]>
}

interface Found {
  readonly nodes: ReadonlySet<string>
  readonly by: 'name' | 'address'
}

export function createNodeByNames({ listNodes, clock }: NodeByNamesDeps): NodeByNames {
  const index = createFresh(async () => indexOf(await listNodes()), clock)
  return async (dnsNames, signal) => {
    let found = find(dnsNames, await index.noOlderThan(FRESH_MS))
    signal?.throwIfAborted()
    if (found.nodes.size === 0) found = find(dnsNames, await index.noOlderThan(RETRY_MS))
    return theOnly(found)
  }
}

function indexOf(nodes: readonly Node[]): Index {
  const pairs = nodes.flatMap((node) => nodeAddressesOf(node).map((address) => ({ address, node: node.name })))
  const grouped = Map.groupBy(pairs, ({ address }) => address)
  return {
    names: new Set(nodes.map(({ name }) => name)),
    nodesByAddress: new Map([...grouped].map(([address, group]) => [address, group.map(({ node }) => node)])),
  }
}

function find(dnsNames: readonly string[], { names, nodesByAddress }: Index): Found {
  const named = new Set(dnsNames.filter((name) => names.has(name)))
  if (named.size > 0) return { nodes: named, by: 'name' }
  return { nodes: new Set(dnsNames.flatMap((name) => nodesByAddress.get(name) ?? [])), by: 'address' }
}

function theOnly({ nodes, by }: Found): string {
  const [node] = nodes
  if (node !== undefined && nodes.size === 1) return node
  const facts = { count: nodes.size, nodes: [...nodes].toSorted().slice(0, MOST_TOLD) }
  if (node === undefined || by === 'name')
    throw new IdentityError('NODE_UNKNOWN', 'the certificate does not name exactly one node', facts)
  throw new IdentityError('NODE_AMBIGUOUS', 'several nodes have the addresses in the certificate', facts)
}
