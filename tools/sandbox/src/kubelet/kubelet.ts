/**
 * A kubelet without a container runtime: real driver calls, real processes, the real `/pods` over TLS; cgroups are files.
 *
 * It is told of its pods by a watch, runs one worker per pod UID, and on stop ends all containers and takes their volumes
 * away, so that nothing outlives it.
 */
import type { PodObject } from './objects.ts'
import { type ExecResult, type PodWorker, type PodWorkerDeps, startPod } from './pod-worker.ts'

export interface Kubelet extends AsyncDisposable {
  /** All pods of this node as the API server has them: others are ended. */
  listed(pods: readonly PodObject[]): void
  /** A pod of this node was added or changed. */
  seen(pod: PodObject): void
  /** The API server has the pod no more, as after a delete that ended pods and `--force` get: it is ended here too. */
  removed(pod: PodObject): void
  /** Pods as `/pods` shows them. */
  pods(): readonly PodObject[]
  /** Runs a command beside a container, with its volumes and in its pod's cgroup, as `kubectl exec` does. */
  exec(pod: PodName, container: string, argv: readonly string[]): Promise<ExecResult>
}

export interface PodName {
  readonly namespace: string
  readonly name: string
}

/** For pods that nobody asks after any more. */
const LAST_GRACE_SECONDS = 2

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

  const end = (uid: string, graceSeconds: number): void => {
    const worker = workers.get(uid)
    if (worker === undefined) return
    const pod = worker.current()
    const deletionTimestamp = new Date(deps.clock.now()).toISOString()
    worker.update({ ...pod, metadata: { ...pod.metadata, deletionTimestamp, deletionGracePeriodSeconds: graceSeconds } })
  }

  return {
    seen,
    listed(pods) {
      const uids = new Set(pods.map(({ metadata }) => metadata.uid))
      for (const uid of workers.keys()) if (!uids.has(uid)) end(uid, LAST_GRACE_SECONDS)
      pods.forEach(seen)
    },
    removed: ({ metadata }) => end(metadata.uid, LAST_GRACE_SECONDS),
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
      const ending = [...workers.values()].map((worker) => worker.gone)
      for (const uid of workers.keys()) end(uid, LAST_GRACE_SECONDS)
      await Promise.allSettled(ending)
    },
  }
}
