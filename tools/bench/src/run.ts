/** Runs benches one after the other, each in a directory of its own, and tells what came of it. */
import { mkdtempSync, rmSync } from 'node:fs'
import { resolve } from 'node:path'
import { REPOSITORY } from '@pallas/build'
import type { Isolation } from '@pallas/sandbox'
import { type BenchReport, busyTicks, defaultPlace, footnotes, machineFacts, machineLine, markdownTable, type Report, shown, textTable, writeReport } from '@pallas/suite/figures'
import type { Bench, BenchContext } from './bench.ts'
import { BENCHES } from './catalogue.ts'
import type { RunCommand } from './command.ts'

export interface Terms {
  readonly isolation: Isolation
  readonly say: (line: string) => void
  readonly mutter: (line: string) => void
  readonly signal: AbortSignal
}

/** Exit code: 0, also when lines are missed; 1 when a bench did not come to an end, or it was told to stop. */
export async function runBenches(command: RunCommand, terms: Terms): Promise<number> {
  const { names, quick, out, markdown } = command
  const { isolation, say, mutter, signal } = terms
  const machine = machineFacts(REPOSITORY, isolation)
  mutter(machineLine(machine))
  const before = busyTicks()
  const benches: BenchReport[] = []
  for (const bench of BENCHES.filter(({ name }) => names.includes(name))) {
    if (signal.aborted) break
    benches.push(await attempt(bench, quick, terms))
  }
  const after = busyTicks()
  const busyShare = (after.busy - before.busy) / (after.all - before.all)
  const report: Report = { schema: 1, machine, quick, busyShare, benches }
  const ours = resolve(REPOSITORY, defaultPlace(machine.at))
  const path = out === undefined ? ours : resolve(process.env['INIT_CWD'] ?? '.', out)
  writeReport(path, report)

  const figures = benches.flatMap((bench) => bench.figures ?? [])
  say(`${machineLine(machine)}${quick ? '; QUICK, not for figures' : ''}\n`)
  say(markdown ? markdownTable(figures) : textTable(figures))
  say('')
  for (const note of footnotes(figures)) say(markdown ? `- ${note}` : note)
  const failures = benches.flatMap(({ name, failure }) => (failure === undefined ? [] : [`${name} failed: ${failure}`]))
  for (const failure of failures) say(failure)
  mutter(`written to ${path}`)
  return failures.length > 0 || signal.aborted ? 1 : 0
}

async function attempt(bench: Bench, quick: boolean, terms: Terms): Promise<BenchReport> {
  const start = performance.now()
  const seconds = () => Math.round((performance.now() - start) / 100) / 10
  terms.mutter(`${bench.name}: ${bench.doc} …`)
  try {
    const figures = await inDirectory((dir) => bench.run(contextOf(bench, dir, quick, terms)))
    terms.mutter(`${bench.name}: done in ${shown(seconds())} s`)
    return { name: bench.name, seconds: seconds(), figures }
  } catch (error) {
    const failure = error instanceof Error ? error.message : String(error)
    terms.mutter(`${bench.name}: ${failure}`)
    return { name: bench.name, seconds: seconds(), failure }
  }
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
