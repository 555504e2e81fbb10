/** Runs benches one after the other and tells what came of it: a table, and one JSON file. */
import { resolve } from 'node:path'
import type { Figure } from './figure.ts'
import { busyTicks, machineFacts } from './machine.ts'
import { type BenchReport, defaultPlace, type Report, writeReport } from './report.ts'
import { footnotes, machineLine, markdownTable, shown, textTable } from './table.ts'

export interface RunnableBench {
  readonly name: string
  /** One sentence. */
  readonly doc: string
  readonly run: () => Promise<readonly Figure[]>
}

export interface RunTerms {
  /** Of the repository. */
  readonly root: string
  /** What the programs under measurement ran in. */
  readonly isolation: string
  readonly quick: boolean
  readonly markdown: boolean
  /** Where the JSON file goes, as whoever stands where npm was called said it; `bench-results/` by default. */
  readonly out: string | undefined
  readonly say: (line: string) => void
  readonly mutter: (line: string) => void
  readonly signal: AbortSignal
}

/** Exit code: 0, also when lines are missed; 1 when a bench did not come to an end, or it was told to stop. */
export async function runBenches(benches: readonly RunnableBench[], terms: RunTerms): Promise<number> {
  const { root, isolation, quick, out, mutter, signal } = terms
  const machine = machineFacts(root, isolation)
  mutter(machineLine(machine))
  const before = busyTicks()
  const reports: BenchReport[] = []
  for (const bench of benches) {
    if (signal.aborted) break
    reports.push(await attempt(bench, mutter))
  }
  const after = busyTicks()
  const busyShare = (after.busy - before.busy) / (after.all - before.all)
  const report: Report = { schema: 1, machine, quick, busyShare, benches: reports }
  const path = out === undefined ? resolve(root, defaultPlace(machine.at)) : resolve(process.env['INIT_CWD'] ?? '.', out)
  writeReport(path, report)
  tell(report, terms)
  mutter(`written to ${path}`)
  return signal.aborted || reports.some(({ failure }) => failure !== undefined) ? 1 : 0
}

function tell({ machine, quick, benches }: Report, { markdown, say }: RunTerms): void {
  const figures = benches.flatMap((bench) => bench.figures ?? [])
  say(`${machineLine(machine)}${quick ? '; QUICK, not for figures' : ''}\n`)
  say(markdown ? markdownTable(figures) : textTable(figures))
  say('')
  for (const note of footnotes(figures)) say(markdown ? `- ${note}` : note)
  for (const { name, failure } of benches) if (failure !== undefined) say(`${name} failed: ${failure}`)
}

async function attempt({ name, doc, run }: RunnableBench, mutter: (line: string) => void): Promise<BenchReport> {
  const start = performance.now()
  const seconds = () => Math.round((performance.now() - start) / 100) / 10
  mutter(`${name}: ${doc} …`)
  try {
    const figures = await run()
    mutter(`${name}: done in ${shown(seconds())} s`)
    return { name, seconds: seconds(), figures }
  } catch (error) {
    const failure = error instanceof Error ? error.message : String(error)
    mutter(`${name}: ${failure}`)
    return { name, seconds: seconds(), failure }
  }
}
