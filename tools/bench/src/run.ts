/** Runs benches one after the other, each in a directory of its own, and tells what came of it. */
import { mkdtempSync, rmSync } from 'node:fs'
import { REPOSITORY } from '@pallas/build'
import type { Isolation } from '@pallas/sandbox'
import { runBenches as runAll } from '@pallas/suite/figures'
import type { Bench, BenchContext } from './bench.ts'
import { BENCHES } from './catalogue.ts'
import type { RunCommand } from './command.ts'

export interface Terms {
  readonly isolation: Isolation
  readonly say: (line: string) => void
  readonly mutter: (line: string) => void
  readonly signal: AbortSignal
}

/** Exit code as the shared `runBenches` says. */
export function runBenches({ names, quick, out, markdown }: RunCommand, terms: Terms): Promise<number> {
  const benches = BENCHES.filter(({ name }) => names.includes(name)).map((bench) => ({
    ...bench,
    run: () => inDirectory((dir) => bench.run(contextOf(bench, dir, quick, terms))),
  }))
  return runAll(benches, { root: REPOSITORY, quick, markdown, out, ...terms })
}

export async function profileBench(name: string, terms: Terms): Promise<number> {
  const bench = BENCHES.find((it) => it.name === name)
  const lines = await inDirectory(async (dir) => bench?.profile?.(contextOf(bench, dir, true, terms)))
  for (const line of lines ?? []) terms.say(line)
  return 0
}

function contextOf({ name }: Bench, dir: string, quick: boolean, { isolation, mutter, signal }: Terms): BenchContext {
  return { quick, isolation, dir, signal, say: (line) => mutter(`${name}: ${line}`) }
}

async function inDirectory<T>(work: (dir: string) => Promise<T>): Promise<T> {
  const dir = mkdtempSync('/tmp/pb-')
  try {
    return await work(dir)
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}
