import type { Pod } from '@pallas/identity'

/** The v1 Pod that `podOf` reads as `pod`: what a fake kubelet serves. */
export const podObjectOf = (pod: Pod): object => ({
  metadata: {
    namespace: pod.namespace,
    name: pod.name,
    uid: pod.uid,
    annotations: pod.annotations,
    ...(pod.deleting ? { deletionTimestamp: '2030-01-01T00:00:00Z' } : {}),
  },
  spec: {
    serviceAccountName: pod.serviceAccount,
    ...(pod.node === '' ? {} : { nodeName: pod.node }),
    ...(pod.hostNetwork ? { hostNetwork: true } : {}),
    containers: [{ name: 'main', image: 'images.test/app:1' }],
  },
  status: { phase: pod.phase, ...(pod.ip === '' ? {} : { podIP: pod.ip }) },
})

/** What to post to make a pod: a container, and what the test says otherwise of its spec. */
export const newPodObject = (metadata: object, spec: object = {}): object => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata,
  spec: { containers: [{ name: 'main', image: 'images.test/app:1' }], ...spec },
})
