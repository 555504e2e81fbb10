/** What a bench is, and what it is given. */
import type { Isolation } from '@pallas/sandbox'
import type { Figure } from '@pallas/suite/figures'

export interface BenchContext {
  /** Fewer samples. */
  readonly quick: boolean
  readonly isolation: Isolation
  /** A short directory of this bench's own, removed after it. */
  readonly dir: string
  /** Progress, for whoever waits. */
  readonly say: (line: string) => void
  readonly signal: AbortSignal
}

export interface Bench {
  readonly name: string
  /** One sentence. */
  readonly doc: string
  readonly run: (context: BenchContext) => Promise<readonly Figure[]>
  /** Where its time or memory goes, as lines to read. */
  readonly profile?: (context: BenchContext) => Promise<readonly string[]>
}
