/** The metrics of `athenz-sia`, and those that dashboards of k8s-athenz-sia read, from one look at what is wanted. */
import { createMetrics, type Counter, type Gauge, type Metrics } from '@pallas/runtime'
import type { Member, Tokens } from '../companions.ts'
import { type Look, TOKEN_KINDS } from './look.ts'
import { createForeignMetrics } from './metrics-foreign.ts'

export interface SiaMetrics {
  readonly renewals: Counter<'kind' | 'code'>
  readonly tokenRequests: Counter<'route' | 'code'>
  readonly hookRuns: Counter<'hook' | 'outcome'>
  readonly weakened: Gauge<'mode'>
  readonly contentType: string
  /** As they stand now, in the format of Prometheus. */
  read(): Promise<string>
}

export interface SiaMetricsOptions {
  readonly version: string
  readonly members: () => readonly Member[]
  readonly tokens: Pick<Tokens, 'held'>
  readonly now: () => number
  /** Whether this path of a member is that of a certificate, rather than of its key or of what else belongs to it. */
  readonly isCertificate: (path: string) => boolean
}

export function createSiaMetrics(options: SiaMetricsOptions): SiaMetrics {
  const { version, members, tokens, now, isCertificate } = options
  const metrics = createMetrics('sia', { process: true })
  const looks = [lookAtMembers(metrics), lookAtTokens(metrics), createForeignMetrics(metrics, isCertificate)]
  const build = metrics.gauge({ name: 'build_info', help: 'Always 1; the label is the version.', labels: ['version'] })
  build.set({ version }, 1)
  return {
    ...countersIn(metrics),
    contentType: metrics.registry.contentType,
    read: async () => {
      const seen = { members: members(), held: tokens.held(), now: now() }
      for (const look of looks) look(seen)
      return metrics.registry.metrics()
    },
  }
}

const countersIn = (metrics: Metrics) => ({
  renewals: metrics.counter({
    name: 'renewals_total',
    help: 'Attempts to get a credential by reason code; OK for one that was put in place.',
    labels: ['kind', 'code'],
  }),
  tokenRequests: metrics.counter({
    name: 'token_requests_total',
    help: 'Requests to the token endpoint by reason code; OK for a token that was given.',
    labels: ['route', 'code'],
  }),
  hookRuns: metrics.counter({
    name: 'hook_runs_total',
    help: 'Hooks after a change by outcome: ok, failed, timed-out, stopped.',
    labels: ['hook', 'outcome'],
  }),
  weakened: metrics.gauge({
    name: 'weakened',
    help: '1 for each setting in use that protects less than the default.',
    labels: ['mode'],
  }),
})

/** `name` is bounded: members follow from the settings alone. */
function lookAtMembers(metrics: Metrics): Look {
  const labels = ['kind', 'name'] as const
  const notAfter = metrics.gauge({
    name: 'credential_not_after_seconds',
    help: 'When a credential that is wanted ends, seconds since the epoch; 0 while there is none.',
    labels,
  })
  const failing = metrics.gauge({
    name: 'credential_failing',
    help: '1 while the last attempt to get or renew a credential has failed.',
    labels,
  })
  return ({ members }) => {
    for (const gauge of [notAfter, failing]) gauge.reset()
    for (const { kind, name, life, problem } of members) {
      notAfter.set({ kind, name }, (life?.notAfter ?? 0) / 1_000)
      failing.set({ kind, name }, problem === undefined ? 0 : 1)
    }
  }
}

function lookAtTokens(metrics: Metrics): Look {
  const labels = ['kind'] as const
  const entries = metrics.gauge({ name: 'cached_tokens', help: 'Tokens that are held.', labels })
  const bytes = metrics.gauge({ name: 'cached_token_bytes', help: 'Bytes of the tokens that are held.', labels })
  return ({ held }) => {
    for (const kind of TOKEN_KINDS) {
      entries.set({ kind }, held[kind].entries)
      bytes.set({ kind }, held[kind].bytes)
    }
  }
}
