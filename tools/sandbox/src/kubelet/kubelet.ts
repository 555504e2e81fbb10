/**
 * A kubelet without a container runtime: real driver calls, real processes, the real `/pods` over TLS; cgroups are files.
 *
 * It is told of its pods by a watch, runs one worker per pod UID, and on stop ends all containers and takes their volumes
 * away, so that nothing outlives it.
 */
import type { PodObject } from './objects.ts'
import { type PodWorker, type PodWorkerDeps, startPod } from './pod-worker.ts'

export interface Kubelet extends AsyncDisposable {
  /** A pod of this node was added or changed. */
  seen(pod: PodObject): void
  /** Pods as `/pods` shows them. */
  pods(): readonly PodObject[]
}

export function startKubelet(deps: PodWorkerDeps): Kubelet {
  const workers = new Map<string, PodWorker>()

  const seen = (pod: PodObject): void => {
    const known = workers.get(pod.metadata.uid)
    if (known !== undefined) return known.update(pod)
    const worker = startPod(pod, deps)
    workers.set(pod.metadata.uid, worker)
    worker.update(pod)
    void worker.gone.then(() => workers.delete(pod.metadata.uid), (error: unknown) => deps.onStep(pod, 'stuck', String(error)))
  }

  return {
    seen,
    pods: () => [...workers.values()].map((worker) => worker.current()),
    async [Symbol.asyncDispose]() {
      const deletionTimestamp = new Date(deps.clock.now()).toISOString()
      for (const pod of [...workers.values()].map((worker) => worker.current())) {
        seen({ ...pod, metadata: { ...pod.metadata, deletionTimestamp, deletionGracePeriodSeconds: 2 } })
      }
      await Promise.allSettled([...workers.values()].map((worker) => worker.gone))
    },
  }
}
