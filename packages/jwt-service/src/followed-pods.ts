import { type KubeApi, openPodWatch } from '@pallas/kubernetes'
import type { Pod } from '@pallas/identity'
import type { Clock, Logger } from '@pallas/runtime'

export interface FollowedPodsOptions {
  readonly api: Pick<KubeApi, 'list' | 'watch'>
  readonly clock: Clock
  readonly log: Logger
}

/** The pods that run on some node, as a watch shows them: news of a moment ago. */
export interface FollowedPods extends AsyncDisposable {
  /** Undefined too while the watch has nothing that is new enough. */
  readonly byUid: (uid: string) => Pod | undefined
  /** Whether what it shows is new enough to count. */
  readonly isCurrent: () => boolean
}

/** A watch call that has nothing to tell ends, and begins again: so that silence soon means that it has died. */
const WATCH_SECONDS = 10
/** A living watch is heard of within the seconds above; beyond this what it knows does not count. */
const BELIEVED_MS = 15_000
/** For no others is a document signed. */
const RUNNING = 'spec.nodeName!=,status.phase!=Succeeded,status.phase!=Failed'

/** Needs nothing of the API server to begin with: until it has answered there are no pods. */
export function followPods({ api, clock, log }: FollowedPodsOptions): FollowedPods {
  const options = { watchSeconds: WATCH_SECONDS, fieldSelector: RUNNING, withoutAnnotations: true }
  const watch = openPodWatch(api, { ...options, clock, log })
  const isCurrent = (): boolean => watch.silentMs() <= BELIEVED_MS
  return {
    isCurrent,
    byUid: (uid) => (isCurrent() ? watch.byUid(uid) : undefined),
    [Symbol.asyncDispose]: () => watch[Symbol.asyncDispose](),
  }
}
