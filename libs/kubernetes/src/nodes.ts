/** Nodes, and the names that they go by. */
import type { KubeApi } from './api.ts'
import { isKubernetesError, KubernetesError } from './error.ts'
import { fieldsOf, isObject } from './json.ts'
import { NODES, pathOf } from './resources.ts'
import type { KubeObject } from './watch-events.ts'

export interface Node {
  /** `metadata.name`. */
  readonly name: string
  readonly uid: string
  readonly addresses: readonly NodeAddress[]
}

export interface NodeAddress {
  /** `Hostname`, `InternalDNS`, `InternalIP` … */
  readonly type: string
  readonly address: string
}

/** Throws `KUBE_BAD_ANSWER`, `fields.path` naming the field, for anything that is no v1 Node. */
export function nodeOf(object: unknown): Node {
  if (!isObject(object)) return wrong('')
  const root = fieldsOf(object, '', wrong)
  const metadata = fieldsOf(root.object('metadata'), 'metadata', wrong)
  const status = fieldsOf(root.object('status'), 'status', wrong)
  const name = metadata.text('name')
  const uid = metadata.text('uid')
  if (name === '' || uid === '') return wrong(name === '' ? 'metadata.name' : 'metadata.uid')
  return { name, uid, addresses: status.list('addresses').map(addressOf) }
}

/** Undefined when there is no such node. */
export async function getNode(
  api: Pick<KubeApi, 'get'>,
  name: string,
  signal?: AbortSignal,
): Promise<Node | undefined> {
  try {
    return nodeOf(await api.get(pathOf(NODES, { name }), signal))
  } catch (error) {
    if (isKubernetesError(error, 'KUBE_NOT_FOUND')) return undefined
    throw error
  }
}

export interface ListNodesOptions {
  readonly pageSize?: number
  /** More nodes than this is `KUBE_BAD_ANSWER`. */
  readonly maxNodes?: number
}

export async function listNodes(
  api: Pick<KubeApi, 'list'>,
  { pageSize = 500, maxNodes = 20_000 }: ListNodesOptions = {},
  signal?: AbortSignal,
): Promise<readonly Node[]> {
  const objects: KubeObject[] = []
  for (let more: string | undefined; ;) {
    const page = await api.list(
      pathOf(NODES),
      { limit: pageSize, ...(more === undefined ? {} : { continue: more }) },
      signal,
    )
    objects.push(...page.items)
    if (objects.length > maxNodes)
      throw new KubernetesError('KUBE_BAD_ANSWER', 'too many nodes', { fields: { maxNodes } })
    if (page.continue === undefined) return objects.map(nodeOf)
    more = page.continue
  }
}

const NAMING: ReadonlySet<string> = new Set(['Hostname', 'InternalDNS'])

/** The Hostname and InternalDNS addresses, each once: names that the node's kubelet chose itself. */
export const nodeAddressesOf = ({ addresses }: Pick<Node, 'addresses'>): readonly string[] => [
  ...new Set(addresses.filter(({ type }) => NAMING.has(type)).map(({ address }) => address)),
]

function addressOf(value: unknown): NodeAddress {
  if (!isObject(value)) return wrong('status.addresses')
  const { text } = fieldsOf(value, 'status.addresses', wrong)
  return text('type') === '' || text('address') === ''
    ? wrong('status.addresses')
    : { type: text('type'), address: text('address') }
}

function wrong(path: string): never {
  throw new KubernetesError('KUBE_BAD_ANSWER', 'not a node', { fields: { path } })
}
