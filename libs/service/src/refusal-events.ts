/**
 * How a server tells of what it refuses: each refusal is counted by its reason, and written once, then at most once a
 * minute with its number, so that whoever is refused in a loop fills no log. What is left out is written in the end, and
 * nobody's refusals hide those of another caller, node or pod.
 */
import type { IdentityError, ReasonCode } from '@pallas/identity'
import { type Clock, createRepeats, type LogFields, type Logger } from '@pallas/runtime'
import { peerOf } from './peer.ts'
import { refusalFields } from './refusal-fields.ts'
import type { ServerOptions } from './server.ts'

export interface RefusalEventsOptions {
  readonly log: Logger
  readonly clock: Pick<Clock, 'monotonic' | 'sleep'>
  readonly count: (reason: ReasonCode) => void
  /** What was not done. */
  readonly message: string
}

/** Disposed, it writes what was left out and not told yet. */
export interface RefusalEvents extends AsyncDisposable {
  /** Of a request that a route refuses: what is known of it. The route throws this very refusal. */
  readonly refused: (refusal: IdentityError, facts: LogFields) => void
  /** For `createServer`: refusals that no route has told of. */
  readonly tell: NonNullable<ServerOptions['tell']>
}

const REPEATED_MS = 60_000
const REMEMBERED = 10_000
/** Each document that is used where it may not be is news. */
const BY_DOCUMENT: ReadonlySet<ReasonCode> = new Set(['DOCUMENT_REPLAYED', 'NODE_MISMATCH', 'POD_ON_OTHER_NODE'])

export function createRefusalEvents({ log, clock, count, message }: RefusalEventsOptions): RefusalEvents {
  const told = new WeakSet<IdentityError>()
  const tellOnce = createTellOnce(clock)
  return {
    refused(refusal, facts) {
      told.add(refusal)
      count(refusal.code)
      const { peer, serial, node, pod, podUid, domain, service, jti } = facts
      const document = BY_DOCUMENT.has(refusal.code) ? jti : undefined
      const key = keyOf(refusal.code, peer, serial, node, pod, podUid, domain, service, document)
      const line = lineOf(log, refusal, facts, message)
      const times = tellOnce.tell(key, line)
      if (times > 0) line(times)
    },
    tell(refusal, request) {
      if (told.has(refusal)) return 0
      const { socket } = request.raw
      // Whoever hung up gets no answer that could be counted.
      if (!socket.destroyed) count(refusal.code)
      const peer = peerOf(request)
      const key = keyOf(refusal.code, peer?.commonName, peer?.serial)
      return tellOnce.tell(key, lineOf(log, refusal, { requestId: request.id }, message))
    },
    [Symbol.asyncDispose]: () => tellOnce[Symbol.asyncDispose](),
  }
}

/** Writes what stands for so many refusals. */
type Line = (times: number) => void

/** What was left out is written a minute later at the latest, with the last of it; and at the end. */
function createTellOnce(clock: RefusalEventsOptions['clock']) {
  /** Of what was left out. */
  const last = new Map<string, Line>()
  const onLeftOut = (key: string, times: number): void => {
    last.get(key)?.(times)
    last.delete(key)
  }
  const repeats = createRepeats({ clock, intervalMs: REPEATED_MS, most: REMEMBERED, onLeftOut })
  const end = new AbortController()
  let isWaiting = false
  const flushLater = (): void => {
    if (isWaiting || end.signal.aborted) return
    isWaiting = true
    clock.sleep(REPEATED_MS, end.signal).then(
      () => {
        isWaiting = false
        repeats.flush()
      },
      () => {},
    )
  }
  return {
    /** As `Repeats.tell`. */
    tell(key: string, line: Line): number {
      const times = repeats.tell(key)
      if (times > 0) {
        last.delete(key)
        return times
      }
      last.set(key, line)
      flushLater()
      return 0
    },
    async [Symbol.asyncDispose](): Promise<void> {
      end.abort()
      repeats.flush()
    },
  }
}

const keyOf = (...parts: readonly (string | undefined)[]): string => JSON.stringify(parts)

function lineOf(log: Logger, refusal: IdentityError, known: LogFields, message: string): Line {
  const fields = { ...known, ...refusalFields(refusal) }
  const isInternal = refusal.kind === 'internal'
  return (times) => {
    const all = times === 1 ? fields : { ...fields, count: times }
    if (isInternal) log.error(all, message)
    else log.warn(all, message)
  }
}
