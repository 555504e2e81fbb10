/**
 * A kubelet without a container runtime: real driver calls, real processes, the real `/pods` over TLS; cgroups are files.
 *
 * It is told of its pods by a watch, runs one worker per pod UID, and on stop ends all containers and takes their volumes
 * away, so that nothing outlives it.
 */
import type { PodObject } from './objects.ts'
import { type ExecResult, type PodWorker, type PodWorkerDeps, startPod } from './pod-worker.ts'

export interface Kubelet extends AsyncDisposable {
  /** A pod of this node was added or changed. */
  seen(pod: PodObject): void
  /** Pods as `/pods` shows them. */
  pods(): readonly PodObject[]
  /** Runs a command beside a container, with its volumes and in its pod's cgroup, as `kubectl exec` does. */
  exec(pod: PodName, container: string, argv: readonly string[]): Promise<ExecResult>
}

export interface PodName {
  readonly namespace: string
  readonly name: string
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
    async exec({ namespace, name }, container, argv) {
      const worker = [...workers.values()].find((it) => {
        const { metadata } = it.current()
        return metadata.namespace === namespace && metadata.name === name
      })
      if (worker === undefined) throw new Error(`no pod ${namespace}/${name} on this node`)
      return worker.exec(container, argv)
    },
    async [Symbol.asyncDispose]() {
      const deletionTimestamp = new Date(deps.clock.now()).toISOString()
      for (const pod of [...workers.values()].map((worker) => worker.current())) {
        seen({ ...pod, metadata: { ...pod.metadata, deletionTimestamp, deletionGracePeriodSeconds: 2 } })
      }
      await Promise.allSettled([...workers.values()].map((worker) => worker.gone))
    },
  }
}
