/**
 * What Node compiled, kept for one run of tests: most of what it costs to start a program from its source, and tests start
 * thousands. Each run has a place of its own, for several may go on at once, and programs from temporary directories would fill one
 * that is kept.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const NAME = 'NODE_COMPILE_CACHE'

/** For this process's workers and for every program that they start with their environment. A place that is told already is kept. */
export function keepCompiled(): void {
  if (process.env[NAME] !== undefined) return
  const dir = mkdtempSync(join(tmpdir(), 'compiled-'))
  process.env[NAME] = dir
  process.once('exit', () => rmSync(dir, { recursive: true, force: true, maxRetries: 3 }))
}
