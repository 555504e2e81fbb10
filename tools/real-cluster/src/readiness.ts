/** When a cluster can be used: its node takes pods, and a pod may be made in the default namespace. */
import type { Cluster } from './layout.ts'
import { askAsAdmin } from './probe.ts'

interface Condition {
  readonly type: string
  readonly status: string
  readonly lastHeartbeatTime?: string
}

interface NodeObject {
  readonly spec?: { readonly taints?: readonly unknown[] }
  readonly status?: { readonly conditions?: readonly Condition[] }
}

/** What was said up to `since` (epoch milliseconds) is no longer believed: a kubelet that has died cannot take it back. */
export const isNodeReady = ({ spec, status }: NodeObject, since = 0): boolean =>
  spec?.taints === undefined && status?.conditions?.some((it) => it.type === 'Ready' && it.status === 'True' && isLater(it, since)) === true

const isLater = ({ lastHeartbeatTime }: Condition, since: number): boolean => since === 0 || Date.parse(lastHeartbeatTime ?? '') > since

export async function isReady(cluster: Cluster, since?: number): Promise<boolean> {
  const node = await askAsAdmin(cluster, `/api/v1/nodes/${cluster.nodeName}`)
  if (node.status !== 200 || !isNodeReady(JSON.parse(node.body) as NodeObject, since)) return false
  return (await askAsAdmin(cluster, '/api/v1/namespaces/default/serviceaccounts/default')).status === 200
}
