/** What a caller's identity follows from, and whether its pod may have one now: by the kubelet's word, not the caller's. */
import { IdentityError, type NameRules, type Pod, podState, type Workload, workloadOf } from '@pallas/identity'
import type { VolumeContext } from '@pallas/wire'
import type { Contexts } from './contexts.ts'
import type { Pods } from './pods.ts'
import type { Action } from './target.ts'
import type { Whose } from './turns.ts'
import type { Volume } from './volume-trust.ts'

export interface Subject extends Whose {
  readonly volume: Volume
  readonly pod: Pod
  readonly workload: Workload
  /** What is on record of the pod's identity, if it has had one. */
  readonly held: VolumeContext | undefined
}

export interface Subjects {
  /** Rejects with the reason for which the pod gets no identity, or none yet. */
  of(volume: Volume, action: Action, signal: AbortSignal): Promise<Subject>
}

export interface SubjectsDeps {
  readonly pods: Pods
  readonly contexts: Contexts
  /** As of now. */
  readonly rules: () => NameRules
}

export function createSubjects({ pods, contexts, rules }: SubjectsDeps): Subjects {
  return {
    async of(volume, action, signal) {
      const pod = await pods.settled(volume.data, signal)
      const held = recordOf(pod, await contexts.read(volume))
      if (!mayHave(pod, action, held)) throw new IdentityError('POD_TERMINATING', 'the pod is terminating')
      return { volume, pod, workload: workloadOf(pod, rules()), held, namespace: pod.namespace, instance: pod.uid }
    },
  }
}

/** A pod that is terminating may renew, not start: `init` is a start, whoever had an identity before. */
function mayHave(pod: Pod, action: Action, held: VolumeContext | undefined): boolean {
  return podState(pod) === 'live' || (action !== 'init' && held !== undefined)
}

/** A record of another pod is none. */
const recordOf = (pod: Pod, held: VolumeContext | undefined): VolumeContext | undefined =>
  held?.instanceId === pod.uid ? held : undefined
