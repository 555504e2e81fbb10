/** How many tests passed, failed and were skipped, in one run or over several that keep count in one file. */
import { appendFileSync, readFileSync } from 'node:fs'

export interface Counts {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

export const NO_TESTS: Counts = { passed: 0, failed: 0, skipped: 0 }

/** Names the file in which the runs of one check keep count; where it is unset a run stands for itself. */
export const COUNTS_FILE = 'PALLAS_TEST_COUNTS'

export const closingLine = ({ passed, failed, skipped }: Counts): string =>
  `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`

export const sum = (all: readonly Counts[]): Counts =>
  all.reduce(
    (total, it) => ({ passed: total.passed + it.passed, failed: total.failed + it.failed, skipped: total.skipped + it.skipped }),
    NO_TESTS,
  )

/** One line a run. */
export const keepCount = (path: string, counts: Counts): void => appendFileSync(path, `${JSON.stringify(counts)}\n`)

/** Throws `TypeError` for a line that is no count: half a record must not pass for a green run. */
export function readCounts(path: string): readonly Counts[] {
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => countsIn(JSON.parse(line)))
}

function countsIn(value: unknown): Counts {
  const { passed, failed, skipped } = (value ?? {}) as Partial<Record<keyof Counts, unknown>>
  return { passed: natural(passed), failed: natural(failed), skipped: natural(skipped) }
}

function natural(value: unknown): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw new TypeError('not a count of tests')
  return value
}
