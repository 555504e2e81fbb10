/** What happens at the initializer: each event is one log record and, where it is counted, one metric. */
import type { ReasonCode } from '@pallas/identity'
import type { LogFields, Logger, Metrics } from '@pallas/runtime'

export type InitializerEvents = ReturnType<typeof createEvents>

export function createEvents({ log, metrics }: { readonly log: Logger; readonly metrics: Metrics }) {
  const reviews = metrics.counter({
    name: 'reviews_total',
    help: 'Admission reviews by what was done: patched, untouched, skipped, or the reason code of a refusal.',
    labels: ['code'],
  })
  const stale = metrics.gauge({
    name: 'templates_stale',
    help: '1 when the config map cannot be read or used, so that older templates are injected.',
  })
  const weakened = metrics.gauge({
    name: 'weakened',
    help: '1 for each setting in use that protects less than the default.',
    labels: ['mode'],
  })

  return {
    /** Pods may put into what looks like ours what the operator tolerates there. */
    weakened(mode: 'tolerated-env' | 'tolerated-mounts'): void {
      weakened.set({ mode }, 1)
      log.warn({ problem: mode } satisfies LogFields, 'weakened: pods may add to what is injected')
    },
    podPatched(pod: string): void {
      reviews.inc({ code: 'patched' })
      log.info({ pod } satisfies LogFields, 'pod injected')
    },
    /** Not one of ours to touch, or injected before. */
    podUntouched(pod: string): void {
      reviews.inc({ code: 'untouched' })
      log.debug({ pod } satisfies LogFields, 'pod left as it is')
    },
    podSkipped(pod: string, problem: string): void {
      reviews.inc({ code: 'skipped' })
      log.info({ pod, problem } satisfies LogFields, 'pod gets no identity')
    },
    podRefused(pod: string, reason: ReasonCode, problem: string): void {
      reviews.inc({ code: reason })
      log.warn({ pod, reason, problem } satisfies LogFields, 'pod refused')
    },
    templatesRead(name: string): void {
      stale.set(0)
      log.info({ name }, 'templates read')
    },
    templatesKept(err: unknown): void {
      stale.set(1)
      log.error({ err } satisfies LogFields, 'templates cannot be read or used, keeping the last good ones')
    },
  }
}
