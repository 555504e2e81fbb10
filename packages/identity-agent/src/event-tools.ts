/** What events are made with: see `events.ts`. */
import type { LogFields } from '@pallas/runtime'
import type { AgentMetrics } from './agent-metrics.ts'
import type { PodFields } from './fields.ts'
import type { PodTroubles } from './pod-troubles.ts'

export interface EventTools {
  readonly write: (level: 'info' | 'warn' | 'error', fields: LogFields, message: string) => void
  /** For each `what`, not in every case, but with the number of cases left out. */
  readonly writeOnce: (what: readonly string[], ...line: Parameters<EventTools['write']>) => void
  readonly tell: (...what: readonly string[]) => number
  readonly now: () => number
  readonly pods: PodFields
  readonly counts: AgentMetrics
  readonly troubles: PodTroubles
}
