/** Runs a program under V8's sampling profilers, and tells where its time went and what its memory was taken for. */
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { BenchContext } from '../bench.ts'
import { type ChildOptions, mustRun } from '../children.ts'
import { byFunction, byModule, parseCpuProfile, type Share } from './cpu-profile.ts'

const INTERVAL_US = 100
const SHOWN = 14

export interface ProfiledRun extends ChildOptions {
  readonly title: string
  /** Begins with node. */
  readonly argv: readonly string[]
}

export const cpuFlags = (dir: string): readonly string[] => [
  '--cpu-prof',
  `--cpu-prof-dir=${dir}`,
  `--cpu-prof-interval=${INTERVAL_US}`,
]

export function withFlags([node = '', ...rest]: readonly string[], flags: readonly string[]): readonly string[] {
  return [node, ...flags, ...rest]
}

/** Of a program that ends by itself. */
export async function profileRun(run: ProfiledRun, context: Pick<BenchContext, 'dir' | 'signal'>) {
  const { dir, signal } = context
  const out = mkdtempSync(join(dir, 'prof-'))
  const { ms } = await mustRun(withFlags(run.argv, cpuFlags(out)), run, signal)
  return [`${run.title}: ${ms.toFixed(0)} ms under the profiler`, ...readProfile(out)]
}

/** Of a program that has written its profile. */
export function readProfile(dir: string): readonly string[] {
  return readdirSync(dir)
    .filter((name) => name.endsWith('.cpuprofile'))
    .flatMap((name) => {
      const profile = parseCpuProfile(readFileSync(join(dir, name), 'utf8'))
      return ['  by module', ...shares(byModule(profile)), '  by function', ...shares(byFunction(profile))]
    })
}

function shares(all: readonly Share[]): readonly string[] {
  const total = all.reduce((sum, { selfMs }) => sum + selfMs, 0)
  const shareOf = (selfMs: number) => ((100 * selfMs) / total).toFixed(1).padStart(5)
  return all
    .slice(0, SHOWN)
    .map(({ name, selfMs }) => `    ${selfMs.toFixed(1).padStart(8)} ms ${shareOf(selfMs)} %  ${name}`)
}
