/** What happens in the agent's life, each event once: a log record and a metric. Nobody else logs them. */
import { IdentityError } from '@pallas/identity'
import type { LogFields, Logger, Metrics } from '@pallas/runtime'
import type { Handle, KeyWish } from '@pallas/wire'
import type { Certificate } from '@pallas/x509'
import { ZtsError } from '@pallas/zts'
import type { Attestation } from './attest.ts'
import type { Stale } from './lineage.ts'
import { createRepeats } from './repeats.ts'
import { type Caller, callerKey } from './door.ts'
import { callerFields, createPodFields, type PodFields } from './fields.ts'
import type { Weakening } from './self-test.ts'
import type { Subject } from './subjects.ts'
import type { Action } from './target.ts'
import type { Volume } from './volume-trust.ts'

export type IssuedFacts = Pick<Certificate, 'serial' | 'notAfter'> & {
  readonly call: 'register' | 'refresh'
  readonly origin: KeyWish['origin']
  readonly durationMs: number
}

export type AgentEvents = ReturnType<typeof createEvents>

export interface EventsOptions {
  readonly log: Logger
  readonly metrics: Metrics
  readonly clock: { monotonic(): number }
}

/** Whatever a pod can bring about in a loop is told once in so long. */
const REPEATED_MS = 60_000
const REMEMBERED = 10_000

export function createEvents({ log, metrics, clock }: EventsOptions) {
  const repeats = createRepeats({ clock, intervalMs: REPEATED_MS, most: REMEMBERED })
  const write: Tools['write'] = (level, fields, message) => log[level](fields, message)
  const tools: Tools = {
    write,
    writeOnce(what, level, fields, message) {
      const count = repeats.tell([message, ...what].join(' '))
      if (count > 0) write(level, count === 1 ? fields : { ...fields, count }, message)
    },
    tell: (...what) => repeats.tell(what.join(' ')),
    pods: createPodFields(),
    counts: countersOf(metrics),
  }
  return { ...lifeEvents(tools), ...callerEvents(tools), ...identityEvents(tools), ...volumeEvents(tools) }
}

interface Tools {
  readonly write: (level: 'info' | 'warn' | 'error', fields: LogFields, message: string) => void
  /** For each `what`, not in every case, but with the number of cases left out. */
  readonly writeOnce: (what: readonly string[], ...line: Parameters<Tools['write']>) => void
  readonly tell: (...what: readonly string[]) => number
  readonly pods: PodFields
  readonly counts: ReturnType<typeof countersOf>
}

const lifeEvents = ({ write, counts }: Tools) => ({
  started: (fields: Pick<LogFields, 'count' | 'url' | 'path'>) => write('info', fields, 'identity agent started'),
  stopping: () => write('info', {}, 'identity agent stopping'),
  driverInstalled: (path: string, changed: boolean) =>
    write('info', { path }, changed ? 'volume driver installed' : 'volume driver is there already'),
  weakened(mode: Weakening): void {
    counts.weakened.set({ mode }, 1)
    write('warn', { problem: mode }, 'attestation is weaker than it could be')
  },
})

const callerEvents = ({ writeOnce, tell, pods, counts }: Tools) => ({
  /** One pod of the kubelet's list is none that we understand: it gets no identity, and the others do. */
  podUnreadable(err: unknown, pod: string): void {
    counts.unreadable.inc()
    writeOnce([pod], 'warn', { pod, err }, 'the kubelet shows a pod that cannot be read')
  },

  /** The kubelet has said whose volume it is: from now on records name the pod as it does. */
  podHeard: (subject: Subject) => pods.heard(subject),
  fieldsOf: (volume: Volume) => pods.of(volume),

  /** A connection was attested, or not. Refusals are told when a request is refused, with its route. */
  attested(attestation: Attestation): void {
    counts.attestations.inc({ outcome: attestation.kind === 'refused' ? attestation.reason : attestation.kind })
  },

  /** A caller came with the handle of another pod: someone may have read what is not theirs. */
  handleMisused(victim: Volume | undefined, caller: Volume | undefined, attestation: Attestation): void {
    counts.misused.inc()
    const by = { attestation, volume: caller }
    const fields = { ...pods.of(victim), ...callerFields(by), reason: 'HANDLE_PEER_MISMATCH' }
    const message = 'a handle was used by another pod than it was made for'
    writeOnce([victim?.handle ?? '', callerKey(by)], 'warn', fields, message)
  },

  /** A request was answered `BUSY` before it was looked at. */
  turnedAway(caller: Caller, error: IdentityError): void {
    counts.requests.inc({ action: 'unknown', code: error.code })
    const fields = { ...pods.of(caller.volume), ...callerFields(caller), reason: error.code, problem: error.message }
    writeOnce([callerKey(caller), error.message], 'info', fields, 'request turned away')
  },

  /** Connections of a caller were closed, and it is kept out for a while: it overdid it. */
  cutOff(caller: Caller): void {
    counts.cutOff.inc()
    const fields = { ...pods.of(caller.volume), ...callerFields(caller) }
    writeOnce([callerKey(caller)], 'warn', fields, 'caller cut off for asking too much')
  },

  answered(action: Action | 'unknown'): void {
    counts.requests.inc({ action, code: 'OK' })
  },

  /** How many refusals the server's log line stands for; 0: it writes none now. */
  refusalsToTell: (caller: Caller, error: IdentityError): number => tell('refused', callerKey(caller), error.code),

  /** Counted here; the server logs it with its reason and the fields of the request. */
  refused(action: Action | 'unknown', error: unknown): void {
    counts.requests.inc({ action, code: error instanceof IdentityError ? error.code : 'INTERNAL' })
  },
})

const identityEvents = ({ write, writeOnce, pods, counts }: Tools) => ({
  identityIssued(subject: Subject, { serial, notAfter, call, origin, durationMs }: IssuedFacts): void {
    counts.issued.inc({ call, origin })
    counts.issueDuration.observe({ call }, durationMs / 1_000)
    const { domain, service, instanceId } = subject.workload
    const facts = { domain, service, instanceId, serial, notAfter, durationMs }
    write('info', { ...pods.of(subject.volume), ...facts }, 'identity issued')
  },

  /** A certificate that is not the newest of its pod was offered for a refresh; it is not shown to ZTS (again). */
  lineageStale(subject: Subject, why: Stale | 'revoked'): void {
    counts.stale.inc({ why })
    const fields = { ...pods.of(subject.volume), reason: 'LINEAGE_STALE', problem: why }
    writeOnce([subject.pod.uid, why], 'warn', fields, 'lineage stale, registering anew')
  },

  contextNotSaved(subject: Subject, err: unknown): void {
    counts.contexts.inc()
    const fields = { ...pods.of(subject.volume), path: subject.volume.paths.context, err }
    writeOnce([subject.pod.uid], 'warn', fields, 'refresh state not saved')
  },

  /** Counts one call of ZTS by its outcome. */
  async ztsCalled<T>(call: () => Promise<T>): Promise<T> {
    try {
      const answer = await call()
      counts.zts.inc({ code: 'OK' })
      return answer
    } catch (error) {
      counts.zts.inc({ code: error instanceof ZtsError ? error.code : 'ABORTED' })
      throw error
    }
  },
})

const volumeEvents = ({ write, pods, counts }: Tools) => ({
  volumeServed: (volume: Volume) => write('info', { ...pods.of(volume), path: volume.paths.socket }, 'volume served'),
  volumeGone: (volume: Volume) => write('info', pods.of(volume), 'volume gone'),
  volumeRefused(handle: Handle, err: unknown): void {
    const reason = err instanceof IdentityError ? err.code : 'INTERNAL'
    counts.volumesRefused.inc({ reason })
    const problem = err instanceof IdentityError ? JSON.stringify(err.fields) : 'cannot be served'
    write('error', { handle, reason, problem, err }, 'volume not served')
  },
})

function countersOf(metrics: Metrics) {
  return {
    attestations: metrics.counter({
      name: 'attestations_total',
      help: 'Connections by what the kernel said.',
      labels: ['outcome'],
    }),
    unreadable: metrics.counter({ name: 'pods_unreadable_total', help: 'Pods of the kubelet that cannot be read.' }),
    misused: metrics.counter({ name: 'handles_misused_total', help: 'Handles used by another pod than their own.' }),
    cutOff: metrics.counter({ name: 'callers_cut_off_total', help: 'Connections closed because their caller overdid it.' }),
    requests: metrics.counter({ name: 'requests_total', help: 'Requests by outcome.', labels: ['action', 'code'] }),
    issued: metrics.counter({ name: 'identities_issued_total', help: 'Identities issued.', labels: ['call', 'origin'] }),
    stale: metrics.counter({ name: 'lineage_stale_total', help: 'Pairs not shown to ZTS.', labels: ['why'] }),
    contexts: metrics.counter({ name: 'contexts_unsaved_total', help: 'Refresh states that could not be written.' }),
    zts: metrics.counter({ name: 'zts_requests_total', help: 'Calls of ZTS by outcome.', labels: ['code'] }),
    volumesRefused: metrics.counter({ name: 'volumes_refused_total', help: 'Volumes not served.', labels: ['reason'] }),
    weakened: metrics.gauge({ name: 'weakened', help: '1 for each way attestation is weakened.', labels: ['mode'] }),
    issueDuration: metrics.histogram({
      name: 'issue_duration_seconds',
      help: 'From the document to the checked certificate.',
      labels: ['call'],
      buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    }),
  }
}
