/** The command line of the benches on the real cluster. */
import { parseArgs } from 'node:util'

export interface RunCommand {
  readonly kind: 'run'
  readonly names: readonly string[]
  readonly quick: boolean
  /** Of a burst, and of the memory with pods; fewer where the node has not the room. */
  readonly pods: number
  readonly out: string | undefined
  readonly markdown: boolean
  readonly keep: boolean
}

export type Command = RunCommand | { readonly kind: 'help' } | { readonly kind: 'wrong'; readonly problem: string }

export const HELP = `npm run bench:cluster                 on the cluster that is up: a table, and bench-results/<time>.json
npm run bench:cluster -- NAME …       some of them: pod-start, cluster-burst, cluster-memory
    --quick        few samples: for trying, not for figures
    --pods N       so many at once (default 50; 10 when quick)
    --out FILE     where to write the JSON
    --markdown     the table as docs/performance.md has it
    --keep         leaves the suite installed, for the next run
`

const OPTIONS = {
  quick: { type: 'boolean' },
  pods: { type: 'string' },
  out: { type: 'string' },
  markdown: { type: 'boolean' },
  keep: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const

export function parseCommand(argv: readonly string[], benches: readonly string[]): Command {
  try {
    return commandOf(argv, benches)
  } catch (error) {
    return { kind: 'wrong', problem: error instanceof Error ? error.message : String(error) }
  }
}

function commandOf(argv: readonly string[], benches: readonly string[]): Command {
  const { values, positionals } = parseArgs({ args: [...argv], options: OPTIONS, allowPositionals: true, strict: true })
  const { quick = false, markdown = false, keep = false, help, out, pods = quick ? '10' : '50' } = values
  if (help === true) return { kind: 'help' }
  if (!/^[1-9]\d{0,3}$/.test(pods)) return { kind: 'wrong', problem: `--pods takes a number of pods, not ${pods}` }
  const unknown = positionals.filter((name) => !benches.includes(name))
  if (unknown.length > 0) return { kind: 'wrong', problem: `no bench ${unknown.join(', ')}; there are ${benches.join(', ')}` }
  const names = positionals.length === 0 ? benches : benches.filter((name) => positionals.includes(name))
  return { kind: 'run', names, quick, pods: Number(pods), out, markdown, keep }
}
