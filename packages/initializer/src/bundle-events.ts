/** What happens to the webhook's own certificate and to the API server's trust in it: each event a log record and a metric. */
import type { LogFields, Logger, Metrics } from '@pallas/runtime'
import type { Kept } from './bundle-keeper.ts'
import type { ServingPair } from './serving-pair.ts'

export type BundleEvents = ReturnType<typeof createBundleEvents>

export function createBundleEvents({ log, metrics }: { readonly log: Logger; readonly metrics: Pick<Metrics, 'counter' | 'gauge'> }) {
  const { certificates, writes, conflicts, failures, lacking, entries, ahead } = bundleMetrics(metrics)
  const failing = new Set<string>()

  return {
    /** The API server has had the time to learn of its authority. */
    certificateUsed({ serial, notAfter }: Pick<ServingPair, 'serial' | 'notAfter'>): void {
      certificates.inc()
      log.info({ serial, notAfter } satisfies LogFields, 'serving under a certificate of our own')
    },
    /** Nothing to tell where the API server did not say its time. */
    clockCompared(aheadMs: number | undefined): void {
      if (aheadMs !== undefined) ahead.set(aheadMs / 1_000)
    },
    bundleSeen(count: number): void {
      entries.set(count)
    },
    bundleWritten(what: 'added' | 'removed'): void {
      writes.inc({ what })
      log.info({ problem: what } satisfies LogFields, 'bundle of the webhook configuration written')
    },
    /** Somebody took away what was there: meanwhile the API server trusted nothing of ours. */
    bundleRepaired(): void {
      writes.inc({ what: 'repaired' })
      log.warn({}, 'the bundle of the webhook configuration lacked our authority, which is back')
    },
    bundleConflict(): void {
      conflicts.inc()
      log.debug({}, 'the webhook configuration was changed by others at the same time')
    },
    /** Told once until it is good again; counted each time. */
    bundleFailed({ code, problem, isLacking, cause }: Extract<Kept, { kind: 'failed' }>): void {
      failures.inc({ code })
      if (isLacking !== undefined) lacking.set(isLacking ? 1 : 0)
      if (!failing.has(code)) log.warn({ err: cause, reason: code, problem } satisfies LogFields, 'the bundle of the webhook configuration cannot be kept')
      failing.add(code)
    },
    bundleGood(): void {
      lacking.set(0)
      failing.clear()
    },
  }
}

function bundleMetrics(metrics: Pick<Metrics, 'counter' | 'gauge'>) {
  const certificates = metrics.counter({
    name: 'certificates_used_total',
    help: 'Serving certificates of our own making that came into use.',
  })
  const writes = metrics.counter({
    name: 'ca_bundle_writes_total',
    help: 'Changes of the bundle in the webhook configuration: added, removed, or repaired when ours were lacking.',
    labels: ['what'],
  })
  const conflicts = metrics.counter({
    name: 'ca_bundle_conflicts_total',
    help: 'Changes of the bundle that were given up because somebody else changed the configuration at the same time; they are made again.',
  })
  const failures = metrics.counter({
    name: 'ca_bundle_failures_total',
    help: 'Looks at the webhook configuration that came to nothing, by what the API server said.',
    labels: ['code'],
  })
  const lacking = metrics.gauge({
    name: 'ca_bundle_lacking',
    help: '1 while the webhook configuration was last seen to lack our authority, which could not be put there.',
  })
  const entries = metrics.gauge({ name: 'ca_bundle_entries', help: 'Certificates in the bundle of the webhook configuration.' })
  const ahead = metrics.gauge({ name: 'clock_ahead_seconds', help: 'How far the clock of this replica is ahead of that of the API server, to a second or so.' })
  return { certificates, writes, conflicts, failures, lacking, entries, ahead }
}
