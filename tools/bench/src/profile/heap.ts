/** Runs a program under V8's sampling heap profiler. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { heapByModule, parseHeapProfile } from './heap-profile.ts'

const SHOWN = 16

export const heapFlags = (dir: string): readonly string[] => [
  '--heap-prof',
  `--heap-prof-dir=${dir}`,
  '--heap-prof-interval=4096',
]

/** Of a program that has written its profile. */
export function readHeapProfile(dir: string): readonly string[] {
  const files = readdirSync(dir).filter((name) => name.endsWith('.heapprofile'))
  return files.flatMap((name) => {
    const shares = heapByModule(parseHeapProfile(readFileSync(join(dir, name), 'utf8')))
    return shares.slice(0, SHOWN).map(({ name, bytes }) => `    ${(bytes / 1_024).toFixed(0).padStart(8)} KiB  ${name}`)
  })
}
