/** What happens at a callback: each event is one log record and, where it is counted, one metric. */
import type { ReasonCode } from '@pallas/identity'
import type { TokenVerdict } from '@pallas/kubernetes'
import type { Clock, LogFields, Logger, Metrics } from '@pallas/runtime'
import { createRefusalEvents } from '@pallas/service'
import type { InstanceRecord } from './instance-records.ts'

/** What is known of a request when it ends. */
export interface ConfirmationFacts {
  readonly requestId?: string
  readonly jti?: string
  readonly pod?: string
  readonly podUid?: string
  readonly node?: string
  readonly domain?: string
  readonly service?: string
}

export type CallbackEvents = ReturnType<typeof createEvents>

interface EventsDeps {
  readonly log: Logger
  readonly metrics: Metrics
  readonly clock: Pick<Clock, 'monotonic' | 'sleep'>
}

/** What `deploy/monitoring/alerts.yaml` asks for: there from the start, for a series that begins at 1 has no increase. */
const ALERTED = [
  'DOCUMENT_REPLAYED',
  'DOCUMENT_SIGNATURE',
  'DOCUMENT_KEY_UNKNOWN',
  'NODE_MISMATCH',
  'SAN_DNS_MISMATCH',
  'SAN_IP_MISMATCH',
  'SAN_URI_MISMATCH',
  'INSTANCE_ID_MISMATCH',
  'CLIENT_IP_MISMATCH',
  'TOKEN_NOT_AUTHENTIC',
  'TOKEN_ACCOUNT',
] as const satisfies readonly ReasonCode[]

export function createEvents({ log, metrics, clock }: EventsDeps) {
  const confirmations = metrics.counter({
    name: 'confirmations_total',
    help: 'Answers to ZTS by reason code; OK for a yes.',
    labels: ['code'],
  })
  for (const code of ALERTED) confirmations.inc({ code }, 0)
  const publicKeys = metrics.gauge({ name: 'public_keys', help: 'Public keys that verify documents.' })
  const count = (code: string): void => confirmations.inc({ code })
  const refusals = createRefusalEvents({ log, clock, count, message: 'instance not confirmed' })
  return {
    refused: refusals.refused,
    /** For requests that come to no route. */
    tell: refusals.tell,
    [Symbol.asyncDispose]: () => refusals[Symbol.asyncDispose](),
    confirmed(facts: ConfirmationFacts): void {
      count('OK')
      log.info(facts satisfies LogFields, 'instance confirmed')
    },
    publicKeysLoaded(count: number): void {
      publicKeys.set(count)
      log.info({ count } satisfies LogFields, 'public keys loaded')
    },
    publicKeyUnusable(keyId: string): void {
      log.error({ keyId } satisfies LogFields, 'public key cannot be used')
    },
    publicKeysUnreadable(err: unknown): void {
      log.error({ err } satisfies LogFields, 'directory of public keys cannot be read')
    },
    ...tokenEvents(metrics),
    ...tokenKeyEvents({ log, metrics }),
    ...instanceEvents({ log, metrics }),
    documentsForgotten(count: number): void {
      log.debug({ count } satisfies LogFields, 'expired documents forgotten')
    },
    janitorFailed(err: unknown): void {
      log.warn({ err } satisfies LogFields, 'expired documents not forgotten yet')
    },
  }
}

export type TokenEvents = ReturnType<typeof tokenEvents>

function tokenEvents(metrics: Metrics) {
  const reviews = metrics.counter({
    name: 'token_reviews_total',
    help: 'Service account tokens shown to the API server, by what came of it.',
    labels: ['outcome'],
  })
  for (const outcome of ['authenticated', 'refused', 'failed']) reviews.inc({ outcome }, 0)
  return {
    /** Counts one review by its outcome. */
    async tokenReviewed(review: () => Promise<TokenVerdict>): Promise<TokenVerdict> {
      try {
        const verdict = await review()
        reviews.inc({ outcome: verdict.authenticated ? 'authenticated' : 'refused' })
        return verdict
      } catch (error) {
        reviews.inc({ outcome: 'failed' })
        throw error
      }
    },
  }
}

export type TokenKeyEvents = ReturnType<typeof tokenKeyEvents>

function tokenKeyEvents({ log, metrics }: Pick<EventsDeps, 'log' | 'metrics'>) {
  const known = metrics.gauge({ name: 'token_keys', help: 'Keys of the API server that verify service account tokens.' })
  const unreadable = metrics.gauge({
    name: 'token_keys_unreadable',
    help: '1 while the API server does not give its keys: tokens of other keys are then reviewed for pods that the watch shows.',
  })
  let failing = false
  return {
    tokenKeysLoaded(count: number): void {
      known.set(count)
      unreadable.set(0)
      if (failing) log.info({ count } satisfies LogFields, 'keys of tokens can be read again')
      failing = false
    },
    /** Told once, until they can be read again. */
    tokenKeysUnreadable(err: unknown): void {
      unreadable.set(1)
      if (!failing) log.warn({ err } satisfies LogFields, 'keys of tokens cannot be read: tokens of keys that are not known are reviewed unverified, for pods that the watch shows')
      failing = true
    },
  }
}

const MOST_TOLD = 10

function instanceEvents({ log, metrics }: Pick<EventsDeps, 'log' | 'metrics'>) {
  const deletions = metrics.counter({
    name: 'instance_deletions_total',
    help: 'Instances of ended pods deleted at ZTS, and failures to do so.',
    labels: ['result'],
  })
  for (const result of ['deleted', 'failed']) deletions.inc({ result }, 0)
  const ignored = metrics.gauge({
    name: 'instance_records_ignored',
    help: 'Leases among the records of instances that say what this callback never says.',
  })

  return {
    instanceDeleted(record: InstanceRecord): void {
      deletions.inc({ result: 'deleted' })
      log.info(factsOf(record), 'instance deleted at zts')
    },
    instanceDeletionFailed(record: InstanceRecord, err: unknown): void {
      deletions.inc({ result: 'failed' })
      log.warn({ ...factsOf(record), err }, 'instance not deleted at zts yet')
    },
    instancesUnreadable(err: unknown): void {
      log.warn({ err } satisfies LogFields, 'records of instances cannot be read')
    },
    /** Leases that look like records of instances and cannot be ours, by name; told only when there are any. */
    instanceRecordsIgnored(leases: readonly string[]): void {
      ignored.set(leases.length)
      if (leases.length === 0) return
      const problems = leases.slice(0, MOST_TOLD)
      log.warn({ count: leases.length, problems } satisfies LogFields, 'leases that are no records ignored')
    },
  }
}

const factsOf = ({ domain, service, instanceId, namespace, pod }: InstanceRecord): LogFields => ({
  domain,
  service,
  instanceId,
  pod: `${namespace}/${pod}`,
})
