/** Knows the pods of a cluster (or of one node, or one label) and tells of every change, through any outage. */
import { type Clock, waitMs } from '@pallas/host'
import type { Pod } from '@pallas/identity'
import { unlessAborted } from './abort.ts'
import { type KubeApi, type Selectors, selectorsOf } from './api.ts'
import { isKubernetesError, KubernetesError } from './error.ts'
import { listPods, readable } from './pods.ts'
import { type PodChanges, PodStore } from './pod-store.ts'
import { pathOf, PODS } from './resources.ts'
import type { WatchEvent } from './watch-events.ts'

export interface PodWatchOptions extends Selectors {
  readonly clock: Clock
  readonly log: PodWatchLog
  /** All namespaces when absent. */
  readonly namespace?: string
  readonly pageSize?: number
  readonly maxPods?: number
  /** Forgets the annotations of pods, which may be longer than all else that is known of them. */
  readonly withoutAnnotations?: boolean
  /** How long one watch call lasts; it is also how long a dead connection can go unnoticed. */
  readonly watchSeconds?: number
  /** First ceiling of the random wait after a failure; it doubles up to `backoffMaxMs`. */
  readonly backoffMs?: number
  readonly backoffMaxMs?: number
}

export interface PodWatchLog {
  warn(fields: Readonly<Record<string, unknown>>, message: string): void
}

export interface PodWatch extends AsyncDisposable {
  /** Whether a whole list was read: it stays so, since old knowledge is not none. */
  synced(): boolean
  /**
   * How long the API server has said nothing here: no list, no event, no regular end of a watch call. What is known is as
   * old as that, but for the events of an outage that are still coming in. Infinity before the first list, and after a gap
   * in the events until the next one.
   */
  silentMs(): number
  /** Resolves when it is; rejects with the signal's reason, or when the watch is disposed first. */
  whenSynced(signal?: AbortSignal): Promise<void>
  pods(): readonly Pod[]
  byUid(uid: string): Pod | undefined
  byName(namespace: string, name: string): Pod | undefined
  /** Told at once of each pod known, then of each new or changed one. Returns how to stop. */
  onPod(listener: (pod: Pod) => void): () => void
  /** Told once of each pod that is no more, as it was last known, also when it went while nobody could see. */
  onGone(listener: (pod: Pod) => void): () => void
}

type PodApi = Pick<KubeApi, 'list' | 'watch'>

/** Starts at once and never gives up; disposing it ends its calls. A listener that throws is logged, not fatal. */
export function openPodWatch(api: PodApi, options: PodWatchOptions): PodWatch {
  return new Informer(api, options)
}

/** A watch that ends sooner than this, without news, is a failure: a server that hangs up is not hammered. */
const TOO_SHORT_MS = 1_000
const NONE = {}

class Informer implements PodWatch {
  readonly #api: PodApi
  readonly #options: PodWatchOptions
  readonly #store = new PodStore()
  readonly #podListeners = new Set<(pod: Pod) => void>()
  readonly #goneListeners = new Set<(pod: Pod) => void>()
  readonly #stop = new AbortController()
  readonly #firstList = Promise.withResolvers<void>()
  readonly #running: Promise<void>
  #synced = false
  /** Undefined: the next step is a list. */
  #version: string | undefined
  /** Monotonic; undefined: what is known has a gap. */
  #heardAt: number | undefined
  #failures = 0

  constructor(api: PodApi, options: PodWatchOptions) {
    this.#api = api
    this.#options = options
    this.#firstList.promise.catch(() => undefined)
    this.#running = this.#run()
  }

  synced = (): boolean => this.#synced
  silentMs = (): number => (this.#heardAt === undefined ? Infinity : this.#options.clock.monotonic() - this.#heardAt)
  pods = (): readonly Pod[] => this.#store.all()
  byUid = (uid: string): Pod | undefined => this.#store.byUid(uid)
  byName = (namespace: string, name: string): Pod | undefined => this.#store.byName(namespace, name)

  whenSynced = (signal?: AbortSignal): Promise<void> => unlessAborted(this.#firstList.promise, signal)

  onPod(listener: (pod: Pod) => void): () => void {
    this.#podListeners.add(listener)
    for (const pod of this.#store.all()) this.#tell(listener, pod)
    return () => this.#podListeners.delete(listener)
  }

  onGone(listener: (pod: Pod) => void): () => void {
    this.#goneListeners.add(listener)
    return () => this.#goneListeners.delete(listener)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new KubernetesError('KUBE_UNREACHABLE', 'the watch was closed'))
    this.#firstList.reject(this.#stop.signal.reason)
    await this.#running
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop
    while (!signal.aborted) {
      try {
        this.#version ??= await this.#relist(signal)
        await this.#follow(this.#version, signal)
      } catch (error) {
        if (signal.aborted) return
        await this.#recover(error).catch(() => undefined)
      }
    }
  }

  async #relist(signal: AbortSignal): Promise<string> {
    const askedAt = this.#options.clock.monotonic()
    const { pods, resourceVersion } = await listPods(
      this.#api,
      { ...this.#options, onMalformed: this.#malformed },
      signal,
    )
    this.#apply(this.#store.replaceAll(pods.map(this.#kept)))
    this.#synced = true
    this.#heardAt = askedAt
    this.#firstList.resolve()
    return resourceVersion
  }

  async #follow(version: string, signal: AbortSignal): Promise<void> {
    const { clock, namespace, watchSeconds = 50 } = this.#options
    const path = pathOf(PODS, namespace === undefined ? {} : { namespace })
    const query = { ...selectorsOf(this.#options), resourceVersion: version, timeoutSeconds: watchSeconds }
    const since = clock.monotonic()
    let news = 0
    for await (const event of this.#api.watch(path, query, signal)) {
      this.#take(event)
      this.#version = event.resourceVersion
      this.#heardAt = clock.monotonic()
      this.#failures = 0
      news++
    }
    if (news === 0 && clock.monotonic() - since < TOO_SHORT_MS)
      throw new KubernetesError('KUBE_UNREACHABLE', 'the watch ended at once')
    this.#heardAt = clock.monotonic()
    this.#failures = 0
  }

  #take(event: WatchEvent): void {
    if (event.type === 'BOOKMARK') return
    const { uid } = event.object.metadata
    if (event.type === 'DELETED' && typeof uid === 'string') return this.#apply(this.#store.remove(uid))
    for (const pod of readable(event.object, this.#malformed)) this.#apply(this.#store.put(this.#kept(pod)))
  }

  /** Waits before the next try. A version that is too old, or bytes we cannot read, cost us a new list. */
  async #recover(error: unknown): Promise<void> {
    const { clock, log, backoffMs = 200, backoffMaxMs = 30_000 } = this.#options
    if (isKubernetesError(error, 'KUBE_GONE', 'KUBE_BAD_ANSWER', 'KUBE_INVALID')) this.#version = this.#heardAt = undefined
    const ceiling = Math.min(backoffMs * 2 ** this.#failures, backoffMaxMs)
    this.#failures = Math.min(this.#failures + 1, 30)
    const asked = isKubernetesError(error) ? (error.retryAfterMs ?? 0) : 0
    const delayMs = waitMs({ askedMs: asked, ceilingMs: ceiling, random: clock.random() })
    if (!isKubernetesError(error, 'KUBE_GONE'))
      log.warn({ err: error, delayMs, failures: this.#failures }, 'watch of pods broken')
    await clock.sleep(delayMs, this.#stop.signal)
  }

  #apply({ gone, pods }: PodChanges): void {
    for (const pod of gone) for (const listener of this.#goneListeners) this.#tell(listener, pod)
    for (const pod of pods) for (const listener of this.#podListeners) this.#tell(listener, pod)
  }

  #tell(listener: (pod: Pod) => void, pod: Pod): void {
    try {
      listener(pod)
    } catch (error) {
      this.#options.log.warn({ err: error, pod: `${pod.namespace}/${pod.name}` }, 'listener to pods failed')
    }
  }

  readonly #kept = (pod: Pod): Pod => (this.#options.withoutAnnotations === true ? { ...pod, annotations: NONE } : pod)

  readonly #malformed = (error: unknown): void =>
    this.#options.log.warn({ err: error }, 'an object of the pod list is no pod')
}
