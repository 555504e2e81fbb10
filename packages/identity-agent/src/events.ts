/** What happens in the agent's life, each event once: a log record and a metric. Nobody else logs them. */
import { IdentityError } from '@pallas/identity'
import type { KubernetesErrorCode } from '@pallas/kubernetes'
import { createRepeats, type LogFields, type Logger, type Metrics } from '@pallas/runtime'
import type { TurnedAway } from '@pallas/service'
import { agentMetrics } from './agent-metrics.ts'
import type { Attestation } from './attest.ts'
import { type Caller, callerKey } from './door.ts'
import type { EventTools } from './event-tools.ts'
import { callerFields, createPodFields } from './fields.ts'
import { identityEvents } from './identity-events.ts'
import { createPodTroubles, type PodTroublesOptions, type Refusal } from './pod-troubles.ts'
import type { PodEventOutcome } from './pod-events.ts'
import type { Subject } from './subjects.ts'
import type { Action } from './target.ts'
import { volumeEvents } from './volume-events.ts'
import type { Volume } from './volume-trust.ts'
import type { Weakening } from './weakening.ts'

export type AgentEvents = ReturnType<typeof createEvents>

export interface EventsOptions {
  readonly log: Logger
  readonly metrics: Metrics
  readonly clock: { monotonic(): number; now(): number }
  /** Where pods are told; without it they are not. */
  readonly podEvents?: NonNullable<PodTroublesOptions['queue']>
}

/** Whatever a pod can bring about in a loop is told once in so long. */
const REPEATED_MS = 60_000
const REMEMBERED = 10_000

export function createEvents({ log, metrics, clock, podEvents: queue }: EventsOptions) {
  const repeats = createRepeats({ clock, intervalMs: REPEATED_MS, most: REMEMBERED })
  const write: EventTools['write'] = (level, fields, message) => log[level](fields, message)
  const tools: EventTools = {
    write,
    writeOnce(what, level, fields, message) {
      const count = repeats.tell([message, ...what].join(' '))
      if (count > 0) write(level, count === 1 ? fields : { ...fields, count }, message)
    },
    tell: (...what) => repeats.tell(what.join(' ')),
    now: () => clock.now(),
    pods: createPodFields(),
    counts: agentMetrics(metrics),
    troubles: createPodTroubles({ queue, clock }),
  }
  return { ...lifeEvents(tools), ...podEventEvents(tools), ...callerEvents(tools), ...floodEvents(tools), ...identityEvents(tools), ...volumeEvents(tools) }
}

const lifeEvents = ({ write, counts }: EventTools) => ({
  started: (fields: Pick<LogFields, 'count' | 'url' | 'path'>) => write('info', fields, 'identity agent started'),
  stopping: () => write('info', {}, 'identity agent stopping'),
  driverInstalled: (path: string, changed: boolean) =>
    write('info', { path }, changed ? 'volume driver installed' : 'volume driver is there already'),
  weakened(mode: Weakening): void {
    counts.weakened.set({ mode }, 1)
    write('warn', { problem: mode }, 'the agent is weaker than it could be')
  },
  weakenedNoMore(mode: Weakening): void {
    counts.weakened.set({ mode }, 0)
    write('info', { problem: mode }, 'the agent is no longer weaker in this way')
  },
  sharedSocketUnused: (path: string) =>
    write('warn', { path, problem: '--isolation per-workload' }, 'the shared socket is not opened: each volume has its own'),
})

const podEventEvents = ({ write, writeOnce, counts }: EventTools) => ({
  /** What became of an Event on a pod. */
  podEventEnded(outcome: PodEventOutcome, problem: KubernetesErrorCode | '' = ''): void {
    counts.podEvents.inc({ outcome })
    if (outcome === 'failed') writeOnce([problem], 'warn', { problem }, 'a kubernetes event of a pod could not be recorded')
  },
  podEventsOff: (path: string) =>
    write('warn', { path, problem: 'no roots of the api server' }, 'pods are told nothing as kubernetes events'),
})

/** Who asks for too much. */
const floodEvents = ({ writeOnce, pods, counts, troubles }: EventTools) => ({
  /** A request was answered `BUSY` before it was looked at. */
  turnedAway(caller: Caller, { refusal, requestId }: TurnedAway): void {
    const { code: reason, message: problem } = refusal
    counts.requests.inc({ action: 'unknown', code: reason })
    const fields = { requestId, ...pods.of(caller.volume), ...callerFields(caller), reason, problem }
    writeOnce([callerKey(caller), problem], 'info', fields, 'request turned away')
    troubles.refused(caller, { action: 'unknown', error: refusal, requestId })
  },

  /** Connections of a caller were closed, and it is kept out for a while: it overdid it. */
  cutOff(caller: Caller): void {
    counts.cutOff.inc()
    const fields = { ...pods.of(caller.volume), ...callerFields(caller) }
    writeOnce([callerKey(caller)], 'warn', fields, 'caller cut off for asking too much')
  },

  /** The socket that pods share was full: a connection of whoever held most was closed for another's. */
  madeRoom(holder: string): void {
    counts.madeRoom.inc()
    writeOnce([holder], 'warn', { peer: holder, problem: 'the shared socket is full' }, 'silent connection closed to make room')
  },
})

const callerEvents = ({ writeOnce, tell, pods, counts, troubles }: EventTools) => ({
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
    if (victim !== undefined) troubles.misused(victim.data.uid, by)
  },

  answered(action: Action | 'unknown', caller: Caller): void {
    counts.requests.inc({ action, code: 'OK' })
    if (action !== 'names') troubles.issued(caller)
  },

  /** How many refusals the server's log line stands for; 0: it writes none now. */
  refusalsToTell: (caller: Caller, error: IdentityError): number => tell('refused', callerKey(caller), error.code),

  /** Counted here; the server logs it with its reason and the fields of the request. */
  refused(caller: Caller, refusal: Refusal): void {
    const { action, error } = refusal
    counts.requests.inc({ action, code: error instanceof IdentityError ? error.code : 'INTERNAL' })
    troubles.refused(caller, refusal)
  },
})
