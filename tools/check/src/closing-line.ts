/**
 * Vitest reporter whose last word is one line for all tests: `N passed, N failed`, and `, N skipped` where some were.
 *
 * Where several runs make one check, each keeps its count instead, and `total-main.ts` has the last word.
 */
import type { Reporter, TestModule } from 'vitest/node'
import { type Counts, COUNTS_FILE, closingLine, keepCount } from './counts.ts'

export default class ClosingLine implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const counts = countsOf(modules)
    const file = process.env[COUNTS_FILE]
    if (file === undefined) process.stdout.write(`\n${closingLine(counts)}\n`)
    else keepCount(file, counts)
  }
}

function countsOf(modules: readonly TestModule[]): Counts {
  const count = { passed: 0, failed: 0, skipped: 0, pending: 0 }
  for (const module of modules) {
    for (const test of module.children.allTests()) count[test.result().state]++
    if (module.errors().length > 0) count.failed++
  }
  return { passed: count.passed, failed: count.failed, skipped: count.skipped + count.pending }
}
