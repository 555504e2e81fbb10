/** Every metric of the agent, each said once. Labels are few and closed. */
import type { ReasonCode } from '@pallas/identity'
import type { Metrics } from '@pallas/runtime'
import type { Bound } from './in-flight.ts'
import type { PodEventOutcome } from './pod-events.ts'
import type { Action } from './target.ts'

export type AgentMetrics = ReturnType<typeof agentMetrics>

/** What `deploy/monitoring/alerts.yaml` asks for: there from the start, for a series that begins at 1 has no increase. */
const ALERTED = [
  'ISSUER_UNAVAILABLE',
  'SIGNER_UNAVAILABLE',
  'KUBELET_UNAVAILABLE',
  'API_UNAVAILABLE',
  'ISSUER_DENIED',
  'SIGNER_DENIED',
  'NAMESPACE_REFUSED',
  'SERVICE_REFUSED',
  'HOST_NETWORK_REFUSED',
] as const satisfies readonly ReasonCode[]
const ACTIONS = ['names', 'init', 'refresh'] as const satisfies readonly Action[]
const ISSUES = [
  { call: 'register', origin: 'pod' },
  { call: 'register', origin: 'agent' },
  { call: 'refresh', origin: 'agent' },
] as const
const EVENT_OUTCOMES = ['recorded', 'failed', 'no-pod', 'dropped'] as const satisfies readonly PodEventOutcome[]
const BOUNDS = ['instance', 'namespace', 'agent'] as const satisfies readonly Bound[]

export function agentMetrics(metrics: Metrics) {
  const all = { ...callerMetrics(metrics), ...identityMetrics(metrics), ...volumeMetrics(metrics) }
  for (const action of ACTIONS) for (const code of ALERTED) all.requests.inc({ action, code }, 0)
  for (const issue of ISSUES) all.issued.inc(issue, 0)
  for (const bound of BOUNDS) all.overflows.inc({ bound }, 0)
  for (const outcome of EVENT_OUTCOMES) all.podEvents.inc({ outcome }, 0)
  return all
}

const callerMetrics = (metrics: Metrics) => ({
  attestations: metrics.counter({
    name: 'attestations_total',
    help: 'Connections by what the kernel said.',
    labels: ['outcome'],
  }),
  unreadable: metrics.counter({ name: 'pods_unreadable_total', help: 'Pods of the kubelet that cannot be read.' }),
  misused: metrics.counter({ name: 'handles_misused_total', help: 'Handles used by another pod than their own.' }),
  cutOff: metrics.counter({ name: 'callers_cut_off_total', help: 'Connections closed because their caller overdid it.' }),
  madeRoom: metrics.counter({
    name: 'connections_evicted_total',
    help: 'Silent connections of the shared socket closed to make room for those of others.',
  }),
  requests: metrics.counter({ name: 'requests_total', help: 'Requests by outcome.', labels: ['action', 'code'] }),
  podEvents: metrics.counter({
    name: 'pod_events_total',
    help: 'Kubernetes Events on pods by what became of them.',
    labels: ['outcome'],
  }),
  weakened: metrics.gauge({ name: 'weakened', help: '1 for each way the agent is weaker than it could be.', labels: ['mode'] }),
})

const identityMetrics = (metrics: Metrics) => ({
  issued: metrics.counter({ name: 'identities_issued_total', help: 'Identities issued.', labels: ['call', 'origin'] }),
  repeated: metrics.counter({
    name: 'identities_repeated_total',
    help: 'Certificates handed out once more from the record, while nothing could be issued.',
  }),
  stale: metrics.counter({ name: 'lineage_stale_total', help: 'Pairs not shown to ZTS.', labels: ['why'] }),
  overflows: metrics.counter({
    name: 'issue_overflows_total',
    help: 'Requests turned away because too much waited for their pod, their namespace, or in all.',
    labels: ['bound'],
  }),
  contexts: metrics.counter({ name: 'contexts_unsaved_total', help: 'Refresh states that could not be written.' }),
  zts: metrics.counter({ name: 'zts_requests_total', help: 'Calls of ZTS by outcome.', labels: ['code'] }),
  clockSkew: metrics.gauge({
    name: 'clock_skew_seconds',
    help: 'How far the clock of ZTS was ahead of ours at its last answer; below zero: behind.',
  }),
  issueDuration: metrics.histogram({
    name: 'issue_duration_seconds',
    help: 'From the document to the checked certificate.',
    labels: ['call'],
    buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
  }),
})

const volumeMetrics = (metrics: Metrics) => ({
  volumesRefused: metrics.counter({ name: 'volumes_refused_total', help: 'Volumes not served.', labels: ['reason'] }),
  volumesWiped: metrics.counter({
    name: 'volumes_wiped_total',
    help: 'Volumes whose pod has ended and whose refresh state was wiped before they went.',
  }),
  volumesOrphaned: metrics.gauge({ name: 'volumes_orphaned', help: 'Volumes whose pod the kubelet does not show.' }),
})
