/** The directory that `--out` names: made and tried before anything is brought up, so that nothing is done in vain. */
import { mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'

/**
 * Its absolute path; a relative one is below `from`, where the user stands. Throws a sentence when it cannot be used.
 * One level at a time: a recursive mkdir never returns below a directory that answers ENOENT, such as /proc.
 */
export function prepareOut(out: string, from: string): string {
  const dir = resolve(from, out)
  try {
    make(dir)
    const probe = join(dir, '.probe')
    writeFileSync(probe, '')
    rmSync(probe)
    return dir
  } catch (error) {
    throw new Error(`--out ${dir} cannot be used: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
  }
}

function make(dir: string): void {
  const found = statSync(dir, { throwIfNoEntry: false })
  if (found?.isDirectory() === true) return
  if (found !== undefined) throw new Error('it is not a directory')
  make(dirname(dir))
  mkdirSync(dir)
}
