/** What happens in the agent's life, each event once: a log record and a metric. Nobody else logs them. */
import { IdentityError } from '@pallas/identity'
import type { LogFields, Logger, Metrics } from '@pallas/runtime'
import type { Handle, KeyWish } from '@pallas/wire'
import type { Certificate } from '@pallas/x509'
import { ZtsError } from '@pallas/zts'
import type { Attestation } from './attest.ts'
import type { Stale } from './lineage.ts'
import type { Caller } from './door.ts'
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

export function createEvents(log: Logger, metrics: Metrics) {
  const tools: Tools = { write: (level, fields, message) => log[level](fields, message), counts: countersOf(metrics) }
  return { ...lifeEvents(tools), ...callerEvents(tools), ...identityEvents(tools), ...volumeEvents(tools) }
}

interface Tools {
  readonly write: (level: 'info' | 'warn' | 'error', fields: LogFields, message: string) => void
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

const callerEvents = ({ write, counts }: Tools) => ({
  /** A connection was attested, or not. Refusals are told when a request is refused, with its route. */
  attested(attestation: Attestation): void {
    counts.attestations.inc({ outcome: attestation.kind === 'refused' ? attestation.reason : attestation.kind })
  },

  /** A caller came with the handle of another pod: someone may have read what is not theirs. */
  handleMisused(victim: Volume | undefined, caller: Volume | undefined, attestation: Attestation): void {
    counts.misused.inc()
    const who = { ...podFields(victim), ...callerFields({ attestation, volume: caller }) }
    write('warn', { ...who, reason: 'HANDLE_PEER_MISMATCH' }, 'a handle was used by another pod than it was made for')
  },

  /** A request was answered `BUSY` before it was looked at. */
  turnedAway(caller: Caller, error: IdentityError): void {
    counts.requests.inc({ action: 'unknown', code: error.code })
    write('info', { ...podFields(caller.volume), ...callerFields(caller), reason: error.code, problem: error.message }, 'request turned away')
  },

  /** Connections of a caller were closed, and it is kept out for a while: it overdid it. */
  cutOff(caller: Caller): void {
    counts.cutOff.inc()
    write('warn', { ...podFields(caller.volume), ...callerFields(caller) }, 'caller cut off for asking too much')
  },

  answered(action: Action | 'unknown'): void {
    counts.requests.inc({ action, code: 'OK' })
  },

  /** Counted here; the server logs it with its reason and the fields of `podFields`. */
  refused(action: Action | 'unknown', error: unknown): void {
    counts.requests.inc({ action, code: error instanceof IdentityError ? error.code : 'INTERNAL' })
  },
})

const identityEvents = ({ write, counts }: Tools) => ({
  identityIssued({ volume, workload }: Subject, { serial, notAfter, call, origin, durationMs }: IssuedFacts): void {
    counts.issued.inc({ call, origin })
    counts.issueDuration.observe({ call }, durationMs / 1_000)
    const { domain, service, instanceId } = workload
    const facts = { domain, service, instanceId, serial, notAfter, durationMs }
    write('info', { ...podFields(volume), ...facts }, 'identity issued')
  },

  /** A certificate that is not the newest of its pod was offered for a refresh; it is not shown to ZTS (again). */
  lineageStale({ volume }: Subject, why: Stale | 'revoked'): void {
    counts.stale.inc({ why })
    write('warn', { ...podFields(volume), reason: 'LINEAGE_STALE', problem: why }, 'lineage stale, registering anew')
  },

  contextNotSaved({ volume }: Subject, err: unknown): void {
    counts.contexts.inc()
    write('warn', { ...podFields(volume), path: volume.paths.context, err }, 'refresh state not saved')
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

const volumeEvents = ({ write, counts }: Tools) => ({
  volumeServed: (volume: Volume) => write('info', { ...podFields(volume), path: volume.paths.socket }, 'volume served'),
  volumeGone: (volume: Volume) => write('info', podFields(volume), 'volume gone'),
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

/** Which pod a record is about. */
export function podFields(volume: Volume | undefined): Pick<LogFields, 'pod' | 'podUid' | 'handle'> {
  if (volume === undefined) return {}
  const { namespace, name, uid } = volume.data
  return { pod: `${namespace}/${name}`, podUid: uid, handle: volume.handle }
}

/** Who the kernel says is calling, or else through whose listener the call came. */
export function callerFields({ attestation, volume }: Caller): Pick<LogFields, 'peer'> {
  if (attestation.kind === 'pod') return { peer: `pod ${attestation.uid}, pid ${attestation.pid}` }
  const listener = volume === undefined ? 'the shared listener' : `the listener of pod ${volume.data.uid}`
  return { peer: attestation.kind === 'refused' ? `pid ${attestation.pid} at ${listener}` : `somebody at ${listener}` }
}
