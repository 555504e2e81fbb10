/** Deletes the Leases of documents that nobody can use any more, in bounded batches, for as long as it is open. */
import { DOCUMENT_MAX_LIFE_SECONDS } from '@pallas/identity'
import { deleteLease, type KubeApi, type Lease, listLeases } from '@pallas/kubernetes'
import { againAndAgain, type Clock } from '@pallas/runtime'
import type { CallbackEvents } from './events.ts'
import { inParallel } from './in-parallel.ts'
import { DOCUMENT_LABELS, selectorOf } from './lease-labels.ts'

export interface JanitorDeps {
  readonly api: Pick<KubeApi, 'list' | 'delete'>
  readonly namespace: string
  readonly clock: Clock
  readonly events: Pick<CallbackEvents, 'documentsForgotten' | 'janitorFailed'>
}

const EVERY_MS = 60_000
const BATCH = 500
/** Most deletions a round, so that a backlog never becomes a burst at the API server. */
const MOST_PER_ROUND = 2_000
const DELETIONS_AT_A_TIME = 4
/** Clocks of the replicas and of the API server may differ by this much before a document could be used twice. */
const MARGIN_MS = 5 * 60_000

export function openJanitor(deps: JanitorDeps): AsyncDisposable {
  const { clock, events } = deps
  return againAndAgain({
    clock,
    begin: 'pausing',
    // Replicas do the same work: random pauses keep them from doing it at the same moment.
    pauseMs: () => EVERY_MS * (0.5 + clock.random()),
    work: (signal) =>
      sweep(deps, signal).catch((error: unknown) => {
        if (!signal.aborted) events.janitorFailed(error)
      }),
  })
}

async function sweep({ api, namespace, clock, events }: JanitorDeps, signal: AbortSignal): Promise<void> {
  const query = { namespace, labelSelector: selectorOf(DOCUMENT_LABELS), limit: BATCH }
  let left = MOST_PER_ROUND
  for (let more: string | undefined; left > 0; ) {
    const page = await listLeases(api, more === undefined ? query : { ...query, continue: more }, signal)
    const expired = page.leases.filter((lease) => isExpired(lease, clock.now())).slice(0, left)
    await inParallel(expired, DELETIONS_AT_A_TIME, (lease) => deleteLease(api, lease, signal))
    if (expired.length > 0) events.documentsForgotten(expired.length)
    left -= expired.length
    if (page.continue === undefined) return
    more = page.continue
  }
}

/** A Lease without a duration is kept for as long as any document could live. */
const isExpired = ({ createdAt, durationSeconds }: Lease, now: number): boolean =>
  now > createdAt + (durationSeconds || DOCUMENT_MAX_LIFE_SECONDS) * 1_000 + MARGIN_MS
