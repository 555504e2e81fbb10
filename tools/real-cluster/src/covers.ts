/** Over directories of the machine that a cluster writes to, empty ones of the cluster's own. */
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { COVERED } from './layout.ts'
import { cover } from './mounts.ts'

export async function coverDirectories(state: string): Promise<void> {
  for (const [index, target] of COVERED.entries()) {
    const source = join(state, 'covers', String(index))
    mkdirSync(source, { recursive: true })
    if (!existsSync(target)) mkdirSync(target, { recursive: true })
    await cover(target, source)
  }
}
