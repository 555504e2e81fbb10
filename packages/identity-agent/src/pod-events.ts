/**
 * What the owners of pods are told where they look first: Kubernetes Events on the pod (design.md 3, rule 10).
 *
 * Nobody waits for one, and nothing fails for want of one. What a pod can bring about is bounded: one Event for each pod and
 * reason in a while, so many for a pod, so many for the node, so many in memory. The text is ours alone: a pod that asks for
 * nonsense finds none of it there.
 */
import { type ReasonCode, REASONS } from '@pallas/identity'
import { createRepeats } from '@pallas/runtime'
import { createPace } from '@pallas/service'

/** What went wrong for the pod. */
export type Trouble =
  /** It was denied its identity, or a renewal. */
  | 'not-issued'
  | 'not-renewed'
  /** The same, for want of somebody who is away, and for long. */
  | 'long-not-issued'
  | 'long-not-renewed'
  | 'volume-refused'
  /** Another pod came with its handle. */
  | 'handle-misused'

export interface PodTrouble {
  /** UID of the pod. Who that is by name, the kubelet says. */
  readonly uid: string
  /** Stands in the Event letter for letter, as in logs, metrics and answers. */
  readonly reason: ReasonCode
  readonly trouble: Trouble
  /** Of our making, as in the log. */
  readonly requestId?: string
}

/** What became of an Event. `no-pod`: the kubelet shows none under that UID; a stranger is told nothing. */
export type PodEventOutcome = 'recorded' | 'failed' | 'no-pod' | 'dropped'

export interface PodNote extends Pick<PodTrouble, 'uid' | 'reason'> {
  readonly message: string
}

export interface PodEventQueue {
  tell(this: void, trouble: PodTrouble): void
  /** The oldest that waits, once there is one; rejects with the signal's reason. */
  next(signal: AbortSignal): Promise<PodNote>
  /** Nobody will ask any more: nothing is kept. */
  close(): void
  readonly size: number
}

export interface PodEventQueueOptions {
  readonly clock: { monotonic(): number }
  /** Told of each that is left out for want of room. */
  readonly onDropped: () => void
}

/** An API server keeps Events for an hour: whoever looks finds the last few. */
export const EVENT_EACH_MS = 5 * 60_000
/** Different reasons of one pod: more is a pod that tries things out. */
export const PER_POD = { burst: 8, refillMs: EVENT_EACH_MS / 8 } as const
/** Enough for an outage that every pod of a full node tells at once; then one a second. */
export const PER_NODE = { burst: 250, refillMs: 1_000 } as const
export const MOST_WAITING = 256
const REMEMBERED = 4_096

export function createPodEventQueue({ clock, onDropped }: PodEventQueueOptions): PodEventQueue {
  const repeats = createRepeats({ clock, intervalMs: EVENT_EACH_MS, most: REMEMBERED })
  const perPod = createPace({ clock, ...PER_POD })
  const perNode = createPace({ clock, ...PER_NODE })
  const waiting: PodNote[] = []
  let isClosed = false
  let arrived = Promise.withResolvers<void>()

  const hasRoom = (uid: string): boolean =>
    waiting.length < MOST_WAITING && perPod.tryTake(uid) === 0 && perNode.tryTake('') === 0

  return {
    tell(trouble) {
      if (isClosed) return
      const { uid, reason } = trouble
      const count = repeats.tell(`${uid} ${reason}`)
      if (count === 0) return
      if (!hasRoom(uid)) return onDropped()
      waiting.push({ uid, reason, message: messageOf(trouble, count) })
      arrived.resolve()
    },
    async next(signal) {
      for (;;) {
        signal.throwIfAborted()
        const note = waiting.shift()
        if (note !== undefined) return note
        arrived = Promise.withResolvers()
        const stopped = () => arrived.reject(signal.reason)
        signal.addEventListener('abort', stopped, { once: true })
        await arrived.promise.finally(() => signal.removeEventListener('abort', stopped))
      }
    },
    close() {
      isClosed = true
      waiting.length = 0
    },
    get size() {
      return waiting.length
    },
  }
}

const WHAT: Readonly<Record<Trouble, string>> = {
  'not-issued': 'no identity',
  'not-renewed': 'identity not renewed',
  'long-not-issued': 'no identity for minutes',
  'long-not-renewed': 'identity not renewed for minutes',
  'volume-refused': 'identity volume not served',
  'handle-misused': 'another pod used the handle of this one',
}

function messageOf({ reason, trouble, requestId }: PodTrouble, count: number): string {
  const times = count === 1 ? '' : ` Happened ${count} times since this was last told.`
  const request = requestId === undefined ? '' : ` The agent's log has it as requestId ${requestId}.`
  return `${WHAT[trouble]}: ${REASONS[reason].doc}${times}${request}`
}
