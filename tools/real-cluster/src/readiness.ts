/** When a cluster can be used: its node takes pods, and a pod may be made in the default namespace. */
import type { Cluster } from './layout.ts'
import { askAsAdmin } from './probe.ts'

interface NodeObject {
  readonly spec?: { readonly taints?: readonly unknown[] }
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] }
}

export const isNodeReady = ({ spec, status }: NodeObject): boolean =>
  spec?.taints === undefined && status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true

export async function isReady(cluster: Cluster): Promise<boolean> {
  const node = await askAsAdmin(cluster, `/api/v1/nodes/${cluster.nodeName}`)
  if (node.status !== 200 || !isNodeReady(JSON.parse(node.body) as NodeObject)) return false
  return (await askAsAdmin(cluster, '/api/v1/namespaces/default/serviceaccounts/default')).status === 200
}
