/** The command line of the benches. */
import { parseArgs } from 'node:util'

export interface RunCommand {
  readonly kind: 'run'
  readonly names: readonly string[]
  readonly quick: boolean
  readonly out: string | undefined
  readonly markdown: boolean
}

export type Command =
  | RunCommand
  | { readonly kind: 'profile'; readonly name: string }
  | { readonly kind: 'list' }
  | { readonly kind: 'help' }
  | { readonly kind: 'wrong'; readonly problem: string }

export const HELP = `npm run bench                      runs every bench: a table, and bench-results/<time>.json
npm run bench -- NAME …            some of them
npm run bench -- --list            what there is
npm run bench -- --profile NAME    where its time or memory goes
    --quick        fewer samples: for trying, not for figures
    --out FILE     where to write the JSON
    --markdown     the table as docs/performance.md has it
`

const OPTIONS = {
  quick: { type: 'boolean' },
  out: { type: 'string' },
  markdown: { type: 'boolean' },
  list: { type: 'boolean' },
  profile: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const

export interface Known {
  readonly benches: readonly string[]
  readonly profiles: readonly string[]
}

export function parseCommand(argv: readonly string[], known: Known): Command {
  try {
    return commandOf(argv, known)
  } catch (error) {
    return { kind: 'wrong', problem: error instanceof Error ? error.message : String(error) }
  }
}

function commandOf(argv: readonly string[], { benches, profiles }: Known): Command {
  const form = { options: OPTIONS, allowPositionals: true, strict: true } as const
  const { values, positionals: names } = parseArgs({ args: [...argv], ...form })
  const { quick = false, markdown = false, out, list, profile, help } = values
  if (help === true) return { kind: 'help' }
  if (list === true) return { kind: 'list' }
  if (profile !== undefined) {
    if (profiles.includes(profile)) return { kind: 'profile', name: profile }
    return { kind: 'wrong', problem: `no profile ${profile}; there are ${profiles.join(', ')}` }
  }
  const unknown = names.filter((name) => !benches.includes(name))
  if (unknown.length > 0) {
    return { kind: 'wrong', problem: `no bench ${unknown.join(', ')}; there are ${benches.join(', ')}` }
  }
  const wanted = names.length === 0 ? benches : benches.filter((name) => names.includes(name))
  return { kind: 'run', names: wanted, quick, out, markdown }
}
