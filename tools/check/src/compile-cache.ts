/**
 * What Node compiled, kept for one run of tests: most of what it costs to start a program from its source, and tests start
 * thousands. Emptied by the next run, for programs from temporary directories would fill it.
 */
import { rmSync } from 'node:fs'
import { join } from 'node:path'

/** For this process's workers and for every program that they start with their environment. */
export function keepCompiled(root: string): void {
  const dir = join(root, 'node_modules/.cache/pallas-compiled')
  rmSync(dir, { recursive: true, force: true })
  process.env['NODE_COMPILE_CACHE'] = dir
}
