/** Who a log record is about. A name of a pod is told as such only when the kubelet has said it. */
import type { Pod } from '@pallas/identity'
import type { LogFields } from '@pallas/runtime'
import type { Caller } from './door.ts'
import type { Subject } from './subjects.ts'
import type { Volume } from './volume-trust.ts'

export interface PodFields {
  /** By the kubelet's name once it was heard; before that by the volume's, which a pod's author may have had a hand in. */
  of(volume: Volume | undefined): Pick<LogFields, 'pod' | 'claimedPod' | 'podUid' | 'handle'>
  /** The kubelet has said which pod the volume is for. Gives what a record that began before lacks. */
  heard(subject: Pick<Subject, 'volume' | 'pod'>): Pick<LogFields, 'pod'>
}

export function createPodFields(): PodFields {
  const pods = new WeakMap<Volume, Pod>()
  return {
    heard({ volume, pod }) {
      const known = pods.has(volume)
      pods.set(volume, pod)
      return known ? {} : { pod: `${pod.namespace}/${pod.name}` }
    },
    of(volume) {
      if (volume === undefined) return {}
      const pod = pods.get(volume)
      const { namespace, name, uid } = pod ?? volume.data
      const who = `${namespace}/${name}`
      return { ...(pod === undefined ? { claimedPod: who } : { pod: who }), podUid: uid, handle: volume.handle }
    },
  }
}

/** Who the kernel says is calling, or else through whose listener the call came. */
export function callerFields({ attestation, volume }: Caller): Pick<LogFields, 'peer'> {
  if (attestation.kind === 'pod') return { peer: `pod ${attestation.uid}, pid ${attestation.pid}` }
  const listener = volume === undefined ? 'the shared listener' : `the listener of pod ${volume.data.uid}`
  return { peer: attestation.kind === 'refused' ? `pid ${attestation.pid} at ${listener}` : `somebody at ${listener}` }
}
