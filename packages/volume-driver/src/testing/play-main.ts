/** Plays every scenario where it is started, and prints what became of each: null, or what broke it. */
import { mkdtempSync } from 'node:fs'
import { realNode } from './real-node.ts'
import { scenarios } from './scenarios.ts'

const [parent = '', program = ''] = process.argv.slice(2)
const report: Record<string, string | null> = {}
for (const [name, scenario] of Object.entries(scenarios)) {
  try {
    await scenario(realNode(mkdtempSync(`${parent}/`), program))
    report[name] = null
  } catch (error) {
    report[name] = error instanceof Error ? (error.stack ?? error.message) : String(error)
  }
}
process.stdout.write(JSON.stringify(report))
