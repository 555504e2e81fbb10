/** What happens at a JWT service: each event is one log record and, where it is counted, one metric. */
import type { ReasonCode } from '@pallas/identity'
import type { Clock, LogFields, Logger, Metrics } from '@pallas/runtime'
import { createRefusalEvents } from '@pallas/service'
import type { Seen } from './find-subject.ts'

export type JwtServiceEvents = ReturnType<typeof createEvents>

/** What is known of a request when it ends. */
export interface SigningFacts {
  readonly requestId?: string
  readonly peer?: string
  readonly serial?: string
  readonly address?: string
  readonly node?: string
  readonly pod?: string
  readonly podUid?: string
  readonly seen?: Seen
  readonly jti?: string
  readonly keyId?: string
}

export interface EventsDeps {
  readonly log: Logger
  readonly metrics: Metrics
  readonly clock: Pick<Clock, 'monotonic' | 'sleep'>
}

/** What `deploy/monitoring/alerts.yaml` asks for: there from the start, for a series that begins at 1 has no increase. */
const ALERTED = [
  'POD_ON_OTHER_NODE',
  'CALLER_NOT_ALLOWED',
  'AGENT_REVOKED',
  'NODE_UNKNOWN',
] as const satisfies readonly ReasonCode[]

export function createEvents({ log, metrics, clock }: EventsDeps) {
  const documents = metrics.counter({
    name: 'documents_total',
    help: 'Requests by reason code; OK for a signed document.',
    labels: ['code'],
  })
  for (const code of ALERTED) documents.inc({ code }, 0)
  const signed = metrics.counter<'seen'>({
    name: 'documents_signed_total',
    help: 'Signed documents by where their pod was seen: in the watch, or live at the API server.',
    labels: ['seen'],
  })
  const unusable = metrics.gauge({
    name: 'newest_signing_key_unusable',
    help: '1 when the newest signing key cannot be used, so that an older one or none signs.',
  })
  const count = (code: string): void => documents.inc({ code })
  const refusals = createRefusalEvents({ log, clock, count, message: 'document not signed' })

  return {
    ...revocationEvents({ log, metrics }),
    documentRefused: refusals.refused,
    /** For requests that come to no route. */
    tell: refusals.tell,
    [Symbol.asyncDispose]: () => refusals[Symbol.asyncDispose](),
    documentSigned({ seen = 'live', ...facts }: SigningFacts): void {
      count('OK')
      signed.inc({ seen })
      log.info(facts satisfies LogFields, 'document signed')
    },
    signingWith(keyId: string): void {
      unusable.set(0)
      log.info({ keyId } satisfies LogFields, 'signing key loaded')
    },
    /** `keyId` is undefined when there is no key file at all. */
    signingKeyUnusable(keyId: string | undefined): void {
      unusable.set(1)
      log.error(keyId === undefined ? {} : { keyId }, 'the newest signing key cannot be used')
    },
    signingKeysUnreadable(err: unknown): void {
      unusable.set(1)
      log.error({ err } satisfies LogFields, 'directory of signing keys cannot be read')
    },
  }
}

export type RevocationEvents = ReturnType<typeof revocationEvents>

function revocationEvents({ log, metrics }: Pick<EventsDeps, 'log' | 'metrics'>) {
  const entries = metrics.gauge({ name: 'revoked_agents_entries', help: 'Entries of the list of revoked agents.' })
  const unusable = metrics.gauge({
    name: 'revoked_agents_unusable',
    help: '1 while the list of revoked agents cannot be read or has a bad line: what it refused before stays refused.',
  })
  return {
    /** `removed`: how many entries of the list before it does not have. */
    revokedAgentsLoaded({ count, removed }: { readonly count: number; readonly removed: number }): void {
      entries.set(count)
      unusable.set(0)
      log.info({ count } satisfies LogFields, 'list of revoked agents loaded')
      if (removed > 0) log.warn({ count: removed } satisfies LogFields, 'entries taken out of the list of revoked agents')
    },
    /** `lines`: the numbers of those that may be meant as something else than they count as. */
    revokedAgentsDoubtful(lines: readonly number[]): void {
      const problems = lines.map((line) => `line ${line} counts as a node; write node: or serial: before it`)
      log.warn({ problems } satisfies LogFields, 'the list of revoked agents may mean something else than it says')
    },
    /** `lines`: the numbers of those that are no entries. */
    revokedAgentsUnusable({ err, lines = [] }: { readonly err?: unknown; readonly lines?: readonly number[] }): void {
      unusable.set(1)
      const problems = lines.map((line) => `line ${line} is no node, serial or fingerprint`)
      const fields = err === undefined ? { problems } : { err }
      log.error(fields satisfies LogFields, 'the list of revoked agents cannot be used as it is')
    },
  }
}
