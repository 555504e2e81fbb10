/** Load from a process of its own, on another core than the server where there is one. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { BenchContext } from '../bench.ts'
import { mustRun } from '../children.ts'
import { CLIENT_CORE, pinned } from '../pin.ts'
import type { Outcome, Plan } from './load.ts'

const MAIN = fileURLToPath(new URL('load-main.ts', import.meta.url))

export interface RunLoadOptions extends Pick<BenchContext, 'dir' | 'signal'> {
  /** The client may run on any core: other parties of the bench need theirs as well. */
  readonly anyCore?: boolean
}

/** Throws when a request was not answered with 200. */
export async function runLoad(plan: Plan, { dir, signal, anyCore = false }: RunLoadOptions): Promise<Outcome> {
  const file = join(dir, 'plan.json')
  writeFileSync(file, JSON.stringify(plan), { mode: 0o600 })
  const argv = [process.execPath, MAIN, file]
  const { output } = await mustRun(anyCore ? argv : pinned(argv, CLIENT_CORE), {}, signal)
  const outcome = JSON.parse(output) as Outcome
  const { failed, waits } = outcome
  if (failed > 0) throw new Error(`${failed} of ${waits.length} requests were not answered with 200`)
  return outcome
}

/** Requests for each second of the server's own processor time: what one core would carry, left alone. */
export const perCore = ({ waits, serverSeconds }: Outcome): number => waits.length / serverSeconds

export const perSecond = ({ waits, seconds }: Outcome): number => waits.length / seconds

export const utilisation = ({ serverSeconds, seconds }: Outcome): string =>
  `the server used ${Math.round((100 * serverSeconds) / seconds)} % of a core`
