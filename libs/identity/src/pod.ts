/** What the kubelet or the API server says of one pod, reduced to what an identity follows from. */
export interface Pod {
  readonly namespace: string
  readonly name: string
  readonly uid: string
  /** `spec.serviceAccountName`; `default` when the pod names none. */
  readonly serviceAccount: string
  /** `spec.nodeName`; empty before the pod is scheduled. */
  readonly node: string
  /** `status.podIP`; empty until the network is up. */
  readonly ip: string
  readonly hostNetwork: boolean
  readonly phase: PodPhase
  /** Whether `metadata.deletionTimestamp` is set. */
  readonly deleting: boolean
  readonly annotations: Readonly<Record<string, string>>
}

export type PodPhase = 'Pending' | 'Running' | 'Succeeded' | 'Failed' | 'Unknown'

/** An ended pod never runs again; a terminating one still serves. */
export type PodState = 'live' | 'terminating' | 'ended'

export function podState(pod: Pod): PodState {
  if (pod.phase === 'Succeeded' || pod.phase === 'Failed') return 'ended'
  return pod.deleting ? 'terminating' : 'live'
}
