/**
 * Vitest reporter whose last word is one line for all tests: `N passed, N failed`, and `, N skipped` where some were. Before it,
 * what the errors of failed tests and hooks know beside their message, one a line.
 *
 * Where several runs make one check, each keeps its count instead, and `total-main.ts` has the last word.
 */
import type { Reporter, TestModule } from 'vitest/node'
import { type Counts, COUNTS_FILE, closingLine, keepCount } from './counts.ts'
import { factLines, type Failure } from './failure-facts.ts'

export default class ClosingLine implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    for (const line of factLines(modules.flatMap(failuresOf))) process.stdout.write(`${line}\n`)
    const counts = countsOf(modules)
    const file = process.env[COUNTS_FILE]
    if (file === undefined) process.stdout.write(`\n${closingLine(counts)}\n`)
    else keepCount(file, counts)
  }
}

const failuresOf = (module: TestModule): Failure[] => [
  { name: module.relativeModuleId, errors: module.errors() },
  ...[...module.children.allSuites()].map((suite) => ({ name: suite.fullName, errors: suite.errors() })),
  ...[...module.children.allTests()].map((test) => ({ name: test.fullName, errors: test.result().errors ?? [] })),
]

/** Exported for its tests. */
export function countsOf(modules: readonly TestModule[]): Counts {
  const count = { passed: 0, failed: 0, skipped: 0, pending: 0 }
  for (const module of modules) {
    for (const test of module.children.allTests()) count[test.result().state]++
    // A hook that fails is no test, and its tests are only skipped.
    for (const place of [module, ...module.children.allSuites()]) if (place.errors().length > 0) count.failed++
  }
  return { passed: count.passed, failed: count.failed, skipped: count.skipped + count.pending }
}
