/**
 * How a server tells of what it refuses: each refusal is counted by its reason, and written once, then at most once a
 * minute with its number, so that whoever is refused in a loop fills no log.
 */
import type { IdentityError, ReasonCode } from '@pallas/identity'
import { type Clock, createRepeats, type LogFields, type Logger } from '@pallas/runtime'
import { peerOf } from './peer.ts'
import { refusalFields } from './refusal-fields.ts'
import type { ServerOptions } from './server.ts'

export interface RefusalEventsOptions {
  readonly log: Logger
  readonly clock: Pick<Clock, 'monotonic'>
  readonly count: (reason: ReasonCode) => void
  /** What was not done. */
  readonly message: string
}

export interface RefusalEvents {
  /** Of a request that a route refuses: what is known of it. The route throws this very refusal. */
  readonly refused: (refusal: IdentityError, facts: LogFields) => void
  /** For `createServer`: refusals that no route has told of. */
  readonly tell: NonNullable<ServerOptions['tell']>
}

const REPEATED_MS = 60_000
const REMEMBERED = 10_000

export function createRefusalEvents({ log, clock, count, message }: RefusalEventsOptions): RefusalEvents {
  const repeats = createRepeats({ clock, intervalMs: REPEATED_MS, most: REMEMBERED })
  const told = new WeakSet<IdentityError>()
  return {
    refused(refusal, facts) {
      told.add(refusal)
      count(refusal.code)
      const { peer, pod, domain, service } = facts
      const times = repeats.tell([refusal.code, peer, pod, domain, service].join(' '))
      if (times > 0) write(log, refusal, times === 1 ? facts : { ...facts, count: times }, message)
    },
    tell(refusal, request) {
      if (told.has(refusal)) return 0
      // Whoever hung up gets no answer that could be counted.
      if (!request.raw.socket.destroyed) count(refusal.code)
      return repeats.tell([refusal.code, peerOf(request)?.commonName].join(' '))
    },
  }
}

function write(log: Logger, refusal: IdentityError, known: LogFields, message: string): void {
  const fields = { ...known, ...refusalFields(refusal) }
  if (refusal.kind === 'internal') log.error(fields, message)
  else log.warn(fields, message)
}
