/** Pods of this node whose processes somebody else runs: the kubelet shows them, and starts nothing for them. */
import type { Kubelet } from './kubelet.ts'
import type { PodObject } from './objects.ts'

type Told = Pick<Kubelet, 'listed' | 'seen' | 'removed' | 'pods'>

export function runElsewhere(kubelet: Told, isElsewhere: (pod: PodObject) => boolean): Told {
  const elsewhere = new Map<string, PodObject>()
  const keep = (pod: PodObject) => void elsewhere.set(pod.metadata.uid, pod)
  return {
    listed(pods) {
      elsewhere.clear()
      pods.filter(isElsewhere).forEach(keep)
      kubelet.listed(pods.filter((pod) => !isElsewhere(pod)))
    },
    seen: (pod) => (isElsewhere(pod) ? keep(pod) : kubelet.seen(pod)),
    removed: (pod) => (isElsewhere(pod) ? void elsewhere.delete(pod.metadata.uid) : kubelet.removed(pod)),
    pods: () => [...kubelet.pods(), ...elsewhere.values()],
  }
}
