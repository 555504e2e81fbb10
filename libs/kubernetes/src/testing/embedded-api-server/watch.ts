/** Watches: history first, then what happens, as lines of JSON, with bookmarks and an end. */
import type { Clock } from '@pallas/host'
import type { Resource } from '../../resources.ts'
import { apiVersionOf } from '../../resources.ts'
import { ApiFailure, badRequest, expired } from './failure.ts'
import type { Json, StoredObject } from './object.ts'
import type { Selector } from './selectors.ts'
import type { Store, StoreEvent } from './store.ts'

export interface WatchRequest {
  readonly resource: Resource
  readonly namespace: string | undefined
  readonly selects: Selector
  /** Empty or `0`: what is there now comes first, as if it were new. */
  readonly resourceVersion: string
  readonly timeoutMs: number
  readonly bookmarks: boolean
}

export interface WatchDeps {
  readonly store: Store
  readonly clock: Clock
  readonly bookmarkEveryMs: number
  readonly write: (line: string) => void
}

/** Throws 410 before anything was written; later troubles are `ERROR` events. Resolves when it has ended. */
export async function runWatch(request: WatchRequest, deps: WatchDeps, signal: AbortSignal): Promise<void> {
  const { store, clock, bookmarkEveryMs, write } = deps
  const send = (type: string, object: object) => write(`${JSON.stringify({ type, object })}\n`)
  for (const event of past(request, store)) deliver(event, request, send)
  const stop = store.subscribe((event) => deliver(event, request, send))
  try {
    const endAt = clock.monotonic() + request.timeoutMs
    for (let left = request.timeoutMs; left > 0; left = endAt - clock.monotonic()) {
      await clock.sleep(Math.min(left, bookmarkEveryMs), signal)
      if (request.bookmarks) send('BOOKMARK', bookmarkOf(request.resource, store.revision))
    }
  } catch (error) {
    if (!signal.aborted) throw error
  } finally {
    stop()
  }
}

function past({ resource, namespace, resourceVersion }: WatchRequest, store: Store): readonly StoreEvent[] {
  if (resourceVersion === '' || resourceVersion === '0') {
    const kind = `${resource.group}/${resource.plural}`
    const added = { type: 'ADDED', resource: kind, previous: undefined } as const
    return store.list(resource, namespace).map((object) => ({ ...added, object, revision: store.revision }))
  }
  const revision = revisionOf(resourceVersion)
  const events = store.since(revision)
  if (events === undefined) throw expired(`too old resource version: ${revision} (${store.revision})`)
  return events
}

export function revisionOf(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw new ApiFailure(400, 'BadRequest', `Invalid value: ${JSON.stringify(text)}: strconv.ParseUint: invalid syntax`)
}

/** An object that comes into the selection is added, one that leaves it deleted, whatever happened to it. */
function deliver(event: StoreEvent, request: WatchRequest, send: (type: string, object: object) => void): void {
  const { resource, namespace, selects } = request
  if (event.resource !== `${resource.group}/${resource.plural}`) return
  if (namespace !== undefined && event.object.metadata.namespace !== namespace) return
  const before = event.previous !== undefined && selects(event.previous)
  const after = event.type !== 'DELETED' && selects(event.object)
  const shown = wireForm(resource, event.object)
  if (before && after) send('MODIFIED', shown)
  else if (after) send('ADDED', shown)
  else if (before)
    send('DELETED', { ...shown, metadata: { ...event.object.metadata, resourceVersion: String(event.revision) } })
}

/** Kind and version are there in watches and single objects, not in lists. */
export const wireForm = (resource: Resource, object: StoredObject | Json): Json => ({
  ...object,
  kind: resource.kind,
  apiVersion: apiVersionOf(resource),
})

const bookmarkOf = (resource: Resource, revision: number): Json =>
  wireForm(resource, { metadata: { resourceVersion: String(revision), creationTimestamp: null } })

export function timeoutOf(text: string | undefined): number {
  if (text === undefined || text === '') return 1_800_000
  if (/^\d{1,6}$/.test(text)) return Number(text) * 1_000
  throw badRequest(`Invalid value: ${JSON.stringify(text)}: strconv.ParseInt: invalid syntax`)
}
