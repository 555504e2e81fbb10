/**
 * When pods became ready and when they were gone, on the clock of this process: the moment at which the event of a watch was
 * read that showed it. Timestamps in Kubernetes objects are cut to the second.
 */
import { isKubernetesError, type KubeApi, type KubeObject, pathOf, PODS } from '@pallas/kubernetes'
import { systemClock } from '@pallas/runtime'
import { eventually } from '@pallas/suite'

export interface PodTimes extends AsyncDisposable {
  /** Milliseconds of `performance.now()`. Throws when that takes longer than the deadline, and when the pod went before. */
  ready(uid: string, deadlineMs: number): Promise<number>
  gone(uid: string, deadlineMs: number): Promise<number>
  /** So often the watch broke off: what happened meanwhile was seen too late. */
  gaps(): number
}

interface Seen {
  readyAt?: number
  goneAt?: number
}

export interface PodTimesOptions {
  readonly namespace: string
  readonly now?: () => number
}

const WATCH_SECONDS = 300
const AGAIN_MS = 200

/** Resolves when it watches. */
export async function watchPodTimes(api: Pick<KubeApi, 'list' | 'watch'>, { namespace, now = () => performance.now() }: PodTimesOptions): Promise<PodTimes> {
  const seen = new Map<string, Seen>()
  const stop = new AbortController()
  let gaps = -1

  const note = (object: KubeObject, gone: boolean): void => {
    const at = now()
    const uid = String(object.metadata['uid'])
    const known = seen.get(uid) ?? {}
    seen.set(uid, known)
    if (gone) known.goneAt ??= at
    else if (isReady(object)) known.readyAt ??= at
  }
  async function* changes(signal: AbortSignal) {
    const path = pathOf(PODS, { namespace })
    const list = await api.list(path, {}, signal)
    gaps += 1
    const there = new Set(list.items.map(({ metadata }) => metadata['uid']))
    for (const object of list.items) note(object, false)
    for (const [uid, known] of seen) if (!there.has(uid)) known.goneAt ??= now()
    for (let resourceVersion = list.resourceVersion; ; ) {
      for await (const event of api.watch(path, { resourceVersion, timeoutSeconds: WATCH_SECONDS }, signal)) {
        resourceVersion = event.resourceVersion
        if (event.type !== 'BOOKMARK') yield event
      }
    }
  }
  const following = (async () => {
    while (!stop.signal.aborted) {
      try {
        for await (const { type, object } of changes(stop.signal)) note(object, type === 'DELETED')
      } catch (error) {
        if (stop.signal.aborted) return
        if (!isKubernetesError(error)) throw error
        await systemClock.sleep(AGAIN_MS, stop.signal).catch(() => undefined)
      }
    }
  })()
  await eventually('a list of the pods', () => (gaps < 0 ? undefined : true)).catch((error: unknown) => {
    stop.abort()
    throw error
  })
  return {
    ready: (uid, deadlineMs) => eventually(`pod ${uid} to be ready`, () => readyAtOf(uid, seen.get(uid)), deadlineMs),
    gone: (uid, deadlineMs) => eventually(`the end of pod ${uid}`, () => seen.get(uid)?.goneAt, deadlineMs),
    gaps: () => gaps,
    async [Symbol.asyncDispose]() {
      stop.abort()
      await following
    },
  }
}

function readyAtOf(uid: string, { readyAt, goneAt }: Seen = {}): number | undefined {
  if (readyAt === undefined && goneAt !== undefined) throw new Error(`pod ${uid} went before it was ready`)
  return readyAt
}

interface Status {
  readonly conditions?: readonly { readonly type: string; readonly status: string }[]
}

const isReady = (object: KubeObject): boolean =>
  ((object['status'] as Status | undefined)?.conditions ?? []).some(({ type, status }) => type === 'Ready' && status === 'True')
