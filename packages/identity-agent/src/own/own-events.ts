/** What happens to the agent's own identity: each event is one log record and one metric. */
import { IdentityError } from '@pallas/identity'
import type { LogFields, Logger, Metrics } from '@pallas/runtime'
import type { Certificate } from '@pallas/x509'

export type OwnEvents = ReturnType<typeof createOwnEvents>

export function createOwnEvents({ log, metrics }: { readonly log: Logger; readonly metrics: Metrics }) {
  const attempts = metrics.counter({
    name: 'own_identity_attempts_total',
    help: "Attempts to get the agent's own certificate, by reason code; OK for a certificate.",
    labels: ['code'],
  })
  attempts.inc({ code: 'OK' }, 0)
  return {
    issued({ serial, notAfter }: Pick<Certificate, 'serial' | 'notAfter'>): void {
      attempts.inc({ code: 'OK' })
      log.info({ serial, notAfter } satisfies LogFields, 'own identity issued')
    },
    /** One of before, found on disk, still counts. */
    found({ serial, notAfter }: Pick<Certificate, 'serial' | 'notAfter'>): void {
      log.info({ serial, notAfter } satisfies LogFields, 'own identity found')
    },
    /** What lies on disk is not taken. */
    unusable(err: unknown): void {
      log.debug({ err } satisfies LogFields, 'no own identity on disk that counts')
    },
    failed(err: unknown, delayMs: number): void {
      const reason = codeOf(err)
      attempts.inc({ code: reason })
      const level = err instanceof IdentityError && err.kind === 'denied' ? 'error' : 'warn'
      log[level]({ err, reason, delayMs } satisfies LogFields, 'no own identity, trying again')
    },
  }
}

export const codeOf = (error: unknown): string => (error instanceof IdentityError ? error.code : 'INTERNAL')
