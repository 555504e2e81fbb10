/** What a bench on the real cluster is, and what it is given. */
import type { Figure } from '@pallas/suite/figures'
import type { ClusterWorld } from '../world/open-world.ts'
import type { PodTimes } from './pod-times.ts'

export interface BenchContext {
  readonly world: ClusterWorld
  readonly times: PodTimes
  /** Fewer samples. */
  readonly quick: boolean
  /** So many at once, if the node has the room. */
  readonly pods: number
  /** Progress, for whoever waits. */
  readonly say: (line: string) => void
  readonly signal: AbortSignal
}

export interface Bench {
  readonly name: string
  /** One sentence. */
  readonly doc: string
  readonly run: (context: BenchContext) => Promise<readonly Figure[]>
}
