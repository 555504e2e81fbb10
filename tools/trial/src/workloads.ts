/** How far Deployments, DaemonSets and their pods have come, as `kubectl get -o json` tells it. */
import { TrialError } from './error.ts'
import type { Kubectl } from './kubectl.ts'

export interface Workload {
  readonly kind: 'Deployment' | 'DaemonSet'
  readonly name: string
  readonly ready: number
  readonly wanted: number
  /** Whether all of them are of the newest template. */
  readonly isDone: boolean
  /** Why pods cannot even be made, as the controller says it. */
  readonly problem: string | undefined
}

export interface ContainerState {
  readonly name: string
  readonly image: string
  readonly state?: {
    readonly waiting?: { readonly reason?: string; readonly message?: string }
    readonly terminated?: { readonly exitCode: number; readonly reason?: string }
  }
  readonly lastState?: ContainerState['state']
  readonly ready: boolean
  readonly restartCount: number
}

export interface Pod {
  readonly metadata: { readonly name: string; readonly namespace: string; readonly uid: string; readonly creationTimestamp: string; readonly labels?: Readonly<Record<string, string>> }
  readonly spec: { readonly nodeName?: string; readonly initContainers?: readonly { readonly name: string }[] }
  readonly status: {
    readonly phase: string
    readonly conditions?: readonly { readonly type: string; readonly status: string; readonly lastTransitionTime: string; readonly message?: string }[]
    readonly containerStatuses?: readonly ContainerState[]
    readonly initContainerStatuses?: readonly ContainerState[]
  }
}

interface Item {
  readonly kind: string
  readonly metadata: { readonly name: string; readonly generation: number }
  readonly spec: { readonly replicas?: number }
  readonly status: Readonly<Record<string, number | undefined>> & {
    readonly conditions?: readonly { readonly type: string; readonly status: string; readonly message: string }[]
  }
}

const listOf = async <T>(kubectl: Kubectl, kinds: string, namespace: string): Promise<readonly T[]> =>
  (JSON.parse(await kubectl(['get', kinds, `--namespace=${namespace}`, '--output=json'])) as { items: readonly T[] }).items

export const podsIn = (kubectl: Kubectl, namespace: string): Promise<readonly Pod[]> => listOf<Pod>(kubectl, 'pods', namespace)

export async function workloadsIn(kubectl: Kubectl, namespace: string): Promise<readonly Workload[]> {
  return (await listOf<Item>(kubectl, 'deployments,daemonsets', namespace)).map(workloadOf)
}

/** Exported for its tests. */
export function workloadOf({ kind, metadata: { name, generation }, spec, status }: Item): Workload {
  const isSeen = (status['observedGeneration'] ?? 0) >= generation
  const problem = status.conditions?.find(({ type, status: it }) => type === 'ReplicaFailure' && it === 'True')?.message
  if (kind === 'DaemonSet') {
    const wanted = status['desiredNumberScheduled'] ?? 0
    const ready = status['numberReady'] ?? 0
    const isDone = isSeen && wanted > 0 && ready === wanted && status['updatedNumberScheduled'] === wanted
    return { kind, name, ready, wanted, isDone, problem }
  }
  const wanted = spec.replicas ?? 1
  const ready = status['readyReplicas'] ?? 0
  const isDone = isSeen && ready === wanted && status['updatedReplicas'] === wanted && status['replicas'] === wanted
  return { kind: 'Deployment', name, ready, wanted, isDone, problem }
}

const NO_IMAGE = new Set(['ErrImageNeverPull', 'ErrImagePull', 'ImagePullBackOff', 'InvalidImageName', 'ErrImageInspect'])

export const statesOf = ({ status }: Pod): readonly ContainerState[] => [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])]

/** Throws `TRIAL_IMAGE_MISSING` as soon as a node says that it cannot get one. */
export function checkImages(pods: readonly Pod[]): void {
  for (const pod of pods) {
    const lacking = statesOf(pod).find(({ state }) => NO_IMAGE.has(state?.waiting?.reason ?? ''))
    if (lacking === undefined) continue
    const where = pod.spec.nodeName ?? 'the node'
    throw new TrialError(
      'TRIAL_IMAGE_MISSING',
      `${where} has no image ${lacking.image} and cannot pull it: make the images with \`npm run images\` and load them on every node (docs/install.md)`,
    )
  }
}

/** In a few words, what keeps a pod; undefined when nothing does. */
export function holdUpOf(pod: Pod): string | undefined {
  const stuck = statesOf(pod).find(({ ready, state }) => !ready && state?.terminated?.exitCode !== 0)
  const unscheduled = pod.status.conditions?.find(({ type, status }) => type === 'PodScheduled' && status === 'False')
  if (unscheduled !== undefined) return `${pod.metadata.name}: ${unscheduled.message ?? 'not scheduled'}`
  if (stuck === undefined) return undefined
  const exit = stuck.state?.terminated ?? stuck.lastState?.terminated
  const ended = exit === undefined ? '' : `, ended with ${exit.exitCode}${stuck.restartCount > 0 ? ` (${stuck.restartCount} restarts)` : ''}`
  return `${pod.metadata.name}: container ${stuck.name} ${stuck.state?.waiting?.reason ?? 'is not ready'}${ended}`
}

/** The container to read the log of, when a pod is held up. */
export const stuckContainerOf = (pod: Pod): string | undefined => statesOf(pod).find(({ ready, state }) => !ready && state?.terminated?.exitCode !== 0)?.name
