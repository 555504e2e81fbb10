/** The suite's servers as the cluster runs them: which pods there are, ready or not, and how to take them away. */
import { type KubeApi, pathOf, PODS } from '@pallas/kubernetes'
import { eventually, type ProgramName } from '@pallas/suite'
import { kubectl } from '../kubectl.ts'
import { ADMIN_NAMESPACE } from './names.ts'

export interface Replica {
  readonly name: string
  readonly uid: string
  readonly ip: string
  readonly isReady: boolean
  readonly startedAt: number
}

interface PodStatus {
  readonly podIP?: string
  readonly conditions?: readonly { readonly type: string; readonly status: string }[]
  readonly containerStatuses?: readonly { readonly state?: { readonly running?: { readonly startedAt: string } } }[]
}

interface Item {
  readonly metadata: { readonly name: string; readonly uid: string; readonly deletionTimestamp?: string }
  readonly status: PodStatus
}

const WAIT_MS = 180_000
const IN_NAMESPACE = `--namespace=${ADMIN_NAMESPACE}`
export const labelOf = (name: ProgramName): string => `app.kubernetes.io/name=athenz-${name}`

export async function podsOf(name: ProgramName): Promise<Replica[]> {
  const text = await kubectl(['get', 'pods', IN_NAMESPACE, `--selector=${labelOf(name)}`, '--output=json'])
  return (JSON.parse(text) as { readonly items: readonly Item[] }).items.map(replicaOf)
}

/** The same by a client, for who looks again and again. */
export async function podsSeenBy(api: KubeApi, name: ProgramName): Promise<Replica[]> {
  const { items } = await api.list(pathOf(PODS, { namespace: ADMIN_NAMESPACE }), { labelSelector: labelOf(name) })
  return (items as unknown as readonly Item[]).map(replicaOf)
}

const replicaOf = ({ metadata, status }: Item): Replica => ({
  name: metadata.name,
  uid: metadata.uid,
  ip: status.podIP ?? '',
  isReady: metadata.deletionTimestamp === undefined && (status.conditions ?? []).some(({ type, status: it }) => type === 'Ready' && it === 'True'),
  startedAt: startedAt({ status }),
})

/**
 * Since when all containers of a pod run, in epoch milliseconds; 0 when one does not. Of a node that has lost its power the API
 * server shows the pods as they were, ready and running, until its kubelet is there again: this tells them from those of now.
 */
export function startedAt({ status }: { readonly status?: PodStatus }): number {
  const times = (status?.containerStatuses ?? []).map(({ state }) => Date.parse(state?.running?.startedAt ?? ''))
  const last = Math.max(0, ...times)
  return Number.isNaN(last) ? 0 : last
}

const REPLICAS = { callback: 2, 'jwt-service': 2, initializer: 2, 'identity-agent': 1 } as const satisfies Record<ProgramName, number>

/** The agent is a DaemonSet: it is away when no node is good enough for it. */
const NOWHERE = { 'suite.pallas/nowhere': 'true' }
const wish = (nodes: object): string => JSON.stringify({ spec: { template: { spec: { nodeSelector: nodes } } } })

export async function stopProgram(name: ProgramName, how: 'stop' | 'kill'): Promise<void> {
  const pods = await podsOf(name)
  if (name === 'identity-agent') await kubectl(['patch', 'daemonset', `athenz-${name}`, IN_NAMESPACE, '--type=merge', `--patch=${wish(NOWHERE)}`])
  else await kubectl(['scale', 'deployment', `athenz-${name}`, IN_NAMESPACE, '--replicas=0'])
  if (how === 'kill' && pods.length > 0) {
    await kubectl(['delete', 'pods', ...pods.map((pod) => pod.name), IN_NAMESPACE, '--grace-period=0', '--force', '--ignore-not-found'])
  }
  await eventually(`the end of ${name}`, async () => ((await podsOf(name)).length === 0 ? true : undefined), WAIT_MS)
}

export async function startProgram(name: ProgramName): Promise<void> {
  const back = wish({ 'suite.pallas/nowhere': null })
  if (name === 'identity-agent') await kubectl(['patch', 'daemonset', `athenz-${name}`, IN_NAMESPACE, '--type=merge', `--patch=${back}`])
  else await kubectl(['scale', 'deployment', `athenz-${name}`, IN_NAMESPACE, `--replicas=${REPLICAS[name]}`])
  await untilReady(name)
}

/** `since`: started later than that (epoch milliseconds). */
export const untilReady = (name: ProgramName, { since = 0 }: { readonly since?: number } = {}): Promise<true> =>
  eventually(
    `${name} to be ready`,
    async () => {
      const pods = await podsOf(name)
      return pods.length === REPLICAS[name] && pods.every((it) => it.isReady && it.startedAt > since) ? true : undefined
    },
    WAIT_MS,
  )
