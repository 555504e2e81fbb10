/** One measured thing: what it is called, in which unit, and how it stands to its line. */
import { judge, type LineId, type Measured } from './lines.ts'
import { type Summary, summaryOf } from './statistics.ts'

export type Unit = 'ms' | 'MiB' | '1/s' | 'CPU-ms' | 'µs' | '×' | 'reads' | 'index' | 'pods'

interface Common {
  /** `<bench>: <what>`. */
  readonly name: string
  readonly unit: Unit
  readonly n: number
  readonly line?: LineId
  /** Whether the line is met; absent where there is none. */
  readonly met?: boolean
  readonly notes: readonly string[]
}

type Measurement =
  | { readonly kind: 'spread'; readonly of: Summary }
  | { readonly kind: 'value'; readonly value: number }

export type Figure = Common & Measurement

export interface FigureOptions {
  readonly unit: Unit
  readonly line?: LineId
  readonly notes?: readonly string[]
}

export function spread(name: string, samples: readonly number[], options: FigureOptions): Figure {
  const of = summaryOf(samples)
  return { kind: 'spread', name, n: of.n, of, ...told(options, of) }
}

export interface ValueOptions extends FigureOptions {
  /** How many samples it was made of. */
  readonly n?: number
}

export const value = (name: string, value: number, { n = 1, ...options }: ValueOptions): Figure => ({
  kind: 'value',
  name,
  n,
  value,
  ...told(options, { value }),
})

function told({ unit, line, notes = [] }: FigureOptions, measured: Measured) {
  return { unit, notes, ...(line === undefined ? {} : { line, met: judge(line, measured) }) }
}
