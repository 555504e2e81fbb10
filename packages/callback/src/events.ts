/** What happens at a callback: each event is one log record and, where it is counted, one metric. */
import type { ReasonCode } from '@pallas/identity'
import type { LogFields, Logger, Metrics } from '@pallas/runtime'
import type { InstanceRecord } from './instance-records.ts'

/** What is known of a request when it ends. */
export interface ConfirmationFacts {
  readonly jti?: string
  readonly pod?: string
  readonly podUid?: string
  readonly node?: string
  readonly domain?: string
  readonly service?: string
}

export type CallbackEvents = ReturnType<typeof createEvents>

export function createEvents({ log, metrics }: { readonly log: Logger; readonly metrics: Metrics }) {
  const confirmations = metrics.counter({
    name: 'confirmations_total',
    help: 'Answers to ZTS by reason code; OK for a yes.',
    labels: ['code'],
  })
  const publicKeys = metrics.gauge({ name: 'public_keys', help: 'Public keys that verify documents.' })
  const deletions = metrics.counter({
    name: 'instance_deletions_total',
    help: 'Instances of ended pods deleted at ZTS, and failures to do so.',
    labels: ['result'],
  })

  return {
    confirmed(facts: ConfirmationFacts): void {
      confirmations.inc({ code: 'OK' })
      log.info(facts satisfies LogFields, 'instance confirmed')
    },
    refused(reason: ReasonCode, facts: ConfirmationFacts, err: unknown): void {
      confirmations.inc({ code: reason })
      log.warn({ ...facts, reason, err } satisfies LogFields, 'instance not confirmed')
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
    documentsForgotten(count: number): void {
      log.debug({ count } satisfies LogFields, 'expired documents forgotten')
    },
    janitorFailed(err: unknown): void {
      log.warn({ err } satisfies LogFields, 'expired documents not forgotten yet')
    },
  }
}

const factsOf = ({ domain, service, instanceId, namespace, pod }: InstanceRecord): LogFields => ({
  domain,
  service,
  instanceId,
  pod: `${namespace}/${pod}`,
})
