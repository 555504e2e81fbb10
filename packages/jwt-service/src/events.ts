/** What happens at a JWT service: each event is one log record and, where it is counted, one metric. */
import type { ReasonCode } from '@pallas/identity'
import type { LogFields, Logger, Metrics } from '@pallas/runtime'

export type JwtServiceEvents = ReturnType<typeof createEvents>

/** What is known of a request when it ends. */
export interface SigningFacts {
  readonly peer?: string
  readonly node?: string
  readonly pod?: string
  readonly podUid?: string
  readonly jti?: string
  readonly keyId?: string
}

export function createEvents({ log, metrics }: { readonly log: Logger; readonly metrics: Metrics }) {
  const documents = metrics.counter({
    name: 'documents_total',
    help: 'Requests for a document by reason code; OK for a signed one.',
    labels: ['code'],
  })
  const unusable = metrics.gauge({
    name: 'newest_signing_key_unusable',
    help: '1 when the newest signing key cannot be used, so that an older one or none signs.',
  })

  return {
    documentSigned(facts: SigningFacts): void {
      documents.inc({ code: 'OK' })
      log.info(facts satisfies LogFields, 'document signed')
    },
    documentRefused(reason: ReasonCode, facts: SigningFacts, err: unknown): void {
      documents.inc({ code: reason })
      log.warn({ ...facts, reason, err } satisfies LogFields, 'document not signed')
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
