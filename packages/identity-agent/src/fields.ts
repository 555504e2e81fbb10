/** Who a log record is about. A name of a pod is told as such only when the kubelet has said it. */
import type { LogFields } from '@pallas/runtime'
import type { Caller } from './door.ts'
import type { Subject } from './subjects.ts'
import type { Volume } from './volume-trust.ts'

/** As the volume says: what its driver was told by the kubelet, in options that a pod's author may have a hand in. */
export function volumeFields(volume: Volume | undefined): Pick<LogFields, 'claimedPod' | 'podUid' | 'handle'> {
  if (volume === undefined) return {}
  const { namespace, name, uid } = volume.data
  return { claimedPod: `${namespace}/${name}`, podUid: uid, handle: volume.handle }
}

/** As the kubelet says. */
export const podFields = ({ pod, volume }: Subject): Pick<LogFields, 'pod' | 'podUid' | 'handle'> => ({
  pod: `${pod.namespace}/${pod.name}`,
  podUid: pod.uid,
  handle: volume.handle,
})

/** Who the kernel says is calling, or else through whose listener the call came. */
export function callerFields({ attestation, volume }: Caller): Pick<LogFields, 'peer'> {
  if (attestation.kind === 'pod') return { peer: `pod ${attestation.uid}, pid ${attestation.pid}` }
  const listener = volume === undefined ? 'the shared listener' : `the listener of pod ${volume.data.uid}`
  return { peer: attestation.kind === 'refused' ? `pid ${attestation.pid} at ${listener}` : `somebody at ${listener}` }
}
