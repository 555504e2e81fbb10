/** The status that a kubelet reports for a pod, from what its containers do: pure. */
import { type ContainerObject, isSidecar, type PodObject } from './objects.ts'

export interface ContainerState {
  readonly id: string | undefined
  readonly restartCount: number
  readonly state:
    | { readonly kind: 'waiting'; readonly reason: string; readonly message?: string }
    | { readonly kind: 'running'; readonly startedAt: string }
    | { readonly kind: 'terminated'; readonly exitCode: number; readonly reason: string; readonly finishedAt: string }
}

export interface PodProgress {
  readonly ip: string
  readonly hostIp: string
  readonly startTime: string
  readonly containers: ReadonlyMap<string, ContainerState>
}

export type Phase = 'Pending' | 'Running' | 'Succeeded' | 'Failed'

const NOT_STARTED: ContainerState = { id: undefined, restartCount: 0, state: { kind: 'waiting', reason: 'PodInitializing' } }

export function phaseOf(pod: PodObject, containers: ReadonlyMap<string, ContainerState>): Phase {
  const stateOf = ({ name }: ContainerObject) => (containers.get(name) ?? NOT_STARTED).state
  const restart = pod.spec.restartPolicy ?? 'Always'
  const failedInit = (pod.spec.initContainers ?? []).some((container) => {
    const state = stateOf(container)
    return !isSidecar(container) && state.kind === 'terminated' && state.exitCode !== 0
  })
  if (failedInit && restart === 'Never') return 'Failed'
  const states = pod.spec.containers.map(stateOf)
  const ended = states.filter((state) => state.kind === 'terminated')
  if (ended.length === states.length && restart !== 'Always') {
    const allGood = ended.every((state) => state.exitCode === 0)
    if (allGood) return 'Succeeded'
    if (restart === 'Never') return 'Failed'
  }
  return states.some((state) => state.kind === 'running') || ended.length > 0 ? 'Running' : 'Pending'
}

export function statusOf(pod: PodObject, progress: PodProgress): Record<string, unknown> {
  const phase = phaseOf(pod, progress.containers)
  const report = (container: ContainerObject) => containerStatus(container, progress.containers.get(container.name) ?? NOT_STARTED)
  const main = pod.spec.containers.map(report)
  const ready = main.every((status) => status['ready'] === true)
  return {
    phase,
    hostIP: progress.hostIp,
    hostIPs: [{ ip: progress.hostIp }],
    ...(progress.ip === '' ? {} : { podIP: progress.ip, podIPs: [{ ip: progress.ip }] }),
    startTime: progress.startTime,
    conditions: [
      { type: 'Initialized', status: phase === 'Pending' ? 'False' : 'True' },
      { type: 'Ready', status: ready ? 'True' : 'False' },
      { type: 'ContainersReady', status: ready ? 'True' : 'False' },
      { type: 'PodScheduled', status: 'True' },
    ],
    ...(pod.spec.initContainers === undefined ? {} : { initContainerStatuses: pod.spec.initContainers.map(report) }),
    containerStatuses: main,
    qosClass: 'BestEffort',
  }
}

function containerStatus({ name, image }: ContainerObject, { id, restartCount, state }: ContainerState): Record<string, unknown> {
  const { kind, ...facts } = state
  return {
    name,
    image,
    imageID: '',
    ...(id === undefined ? {} : { containerID: `containerd://${id}` }),
    state: { [kind]: facts },
    lastState: {},
    ready: kind === 'running',
    started: kind === 'running',
    restartCount,
  }
}
