/**
 * What happens beside the renewals: each event is a metric, where metrics are served, and a log record, where nobody
 * else wrote it.
 */
import type { ReasonCode } from '@pallas/identity'
import type { Change, Failure } from '../companions.ts'
import type { Log } from '../log.ts'
import type { SiaMetrics } from './metrics.ts'

export type Events = ReturnType<typeof createEvents>

export type TokenRoute = 'accesstoken' | 'roletoken' | 'headers' | 'none'
export type HookKind = 'command' | 'signal'
/** `stopped`: it was still running when the program had to end. */
export type HookOutcome = 'ok' | 'failed' | 'timed-out' | 'stopped'

/** Ways to run that protect less than the default, as the log says them. */
const WEAKENED = {
  'token-server-beyond-loopback': 'weakened: whoever reaches the token server gets tokens, from other machines too',
} as const

export type Weakening = keyof typeof WEAKENED

export interface EventsDeps {
  readonly log: Log
  /** Undefined when nobody can read them. */
  readonly metrics: SiaMetrics | undefined
}

export function createEvents({ log, metrics }: EventsDeps) {
  return {
    /** The renewals have logged it. */
    published({ members }: Change): void {
      for (const { kind } of members) metrics?.renewals.inc({ kind, code: 'OK' })
    },
    /** The renewals have logged it. */
    notRenewed({ kind, error }: Failure): void {
      metrics?.renewals.inc({ kind, code: codeOf(error) })
    },
    /** The server logs what it refuses. */
    tokenAnswered(route: TokenRoute, code: ReasonCode | 'OK'): void {
      metrics?.tokenRequests.inc({ route, code })
    },
    hookRan(hook: HookKind, outcome: HookOutcome, facts: { readonly err?: unknown; readonly output?: string }): void {
      metrics?.hookRuns.inc({ hook, outcome })
      if (outcome === 'ok') log.info(facts, 'hook done')
      else log.error(facts, 'hook failed, the credentials are in place all the same')
    },
    weakened(mode: Weakening): void {
      metrics?.weakened.set({ mode }, 1)
      log.warn({}, WEAKENED[mode])
    },
    tokenServerWaits(err: unknown): void {
      log.warn({ err }, 'nobody is served tokens yet: the token server has no certificate, trying again')
    },
  }
}

/** Of the classes of this suite only: what a stranger calls its errors is no label. */
function codeOf(error: unknown): string {
  if (!(error instanceof Error) || !OURS.has(error.name)) return 'INTERNAL'
  return 'code' in error && typeof error.code === 'string' ? error.code : 'INTERNAL'
}

const OURS: ReadonlySet<string> = new Set(['IdentityError', 'HostError', 'SiaError'])
