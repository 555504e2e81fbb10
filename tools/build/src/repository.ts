import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const REPOSITORY = fileURLToPath(new URL('../../..', import.meta.url)).replace(/\/$/, '')

/** What the first line of a program tells Node; `path` is below the repository. */
export function nodeFlagsOf(path: string): readonly string[] {
  const [, flags] = /^#!\/usr\/bin\/env -S node (.+)$/m.exec(readFileSync(join(REPOSITORY, path), 'utf8')) ?? []
  return flags?.split(' ') ?? []
}
