/** An API server without sockets, for the watch of pods: lists and watches go exactly as the test says. */
import type { Pod } from '@pallas/identity'
import type { KubeApi, KubeList, ListQuery, WatchQuery } from '../api.ts'
import { kubeObjectOf, type WatchEvent } from '../watch-events.ts'
import { podObjectOf } from './pod-objects.ts'

/** One watch call: what comes, and how it ends. */
export class ScriptedWatch {
  readonly query: WatchQuery
  readonly #queue: (WatchEvent | { readonly error: unknown } | 'end')[] = []
  #wake: () => void = () => undefined

  constructor(query: WatchQuery) {
    this.query = query
  }

  send(type: 'ADDED' | 'MODIFIED' | 'DELETED', pod: Pod, resourceVersion: string): void {
    const object = kubeObjectOf(podObjectOf(pod))
    if (object !== undefined) this.#push({ type, object, resourceVersion })
  }

  sendRaw(event: WatchEvent): void {
    this.#push(event)
  }

  fail(error: unknown): void {
    this.#push({ error })
  }

  end(): void {
    this.#push('end')
  }

  #push(item: WatchEvent | { readonly error: unknown } | 'end'): void {
    this.#queue.push(item)
    this.#wake()
  }

  async *events(signal?: AbortSignal): AsyncGenerator<WatchEvent> {
    signal?.addEventListener('abort', () => this.fail(signal.reason), { once: true })
    for (;;) {
      const next = this.#queue.shift()
      if (next === 'end') return
      if (next === undefined) {
        const { promise, resolve } = Promise.withResolvers<void>()
        this.#wake = resolve
        await promise
      } else if ('error' in next) throw next.error
      else yield next
    }
  }
}

export class ScriptedPodApi implements Pick<KubeApi, 'list' | 'watch'> {
  readonly lists: ListQuery[] = []
  readonly watches: ScriptedWatch[] = []
  /** What a list shows, or throws. */
  listing: { readonly pods: readonly (Pod | object)[]; readonly resourceVersion: string } | Error = {
    pods: [],
    resourceVersion: '1',
  }

  list(_path: string, query: ListQuery = {}): Promise<KubeList> {
    this.lists.push(query)
    if (this.listing instanceof Error) return Promise.reject(this.listing)
    const { pods, resourceVersion } = this.listing
    const items = pods.map((pod) => kubeObjectOf('metadata' in pod ? pod : podObjectOf(pod as Pod)))
    return Promise.resolve({ items: items.filter((it) => it !== undefined), resourceVersion, continue: undefined })
  }

  watch(_path: string, query: WatchQuery, signal?: AbortSignal): AsyncIterable<WatchEvent> {
    const watch = new ScriptedWatch(query)
    this.watches.push(watch)
    return watch.events(signal)
  }

  /** The watch that is open now. */
  get current(): ScriptedWatch {
    const watch = this.watches.at(-1)
    if (watch === undefined) throw new Error('nobody watches')
    return watch
  }
}
