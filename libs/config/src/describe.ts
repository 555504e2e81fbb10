/** What `--help` prints and what docs/configuration.md shows, both from the schema. */
import { type AnyProgram, namesOf, type Setting } from './schema.ts'

export function helpText(program: AnyProgram): string {
  const entries = Object.entries(program.schema).map(([key, it]) => {
    const { flags, variables } = namesOf(program, key)
    const given = [...flags.map((flag) => `--${flag}`), ...variables].join(', ')
    return `  ${given}\n      ${it.doc}\n      ${plain(it.kind.label)}; ${plain(defaultOf(it))}\n`
  })
  const head = `${program.name}: ${program.summary}\n\n`
  const rule = 'A flag wins over its environment variable; an empty variable counts as unset.\n\n'
  return `${head}${rule}${entries.join('')}  --help, --version\n`
}

/** A section of docs/configuration.md: heading, summary and a table with one row for each setting. */
export function describeProgram(program: AnyProgram): string {
  const rows = Object.entries(program.schema).map(([key, it]) => {
    const { flags, variables } = namesOf(program, key)
    const cells = [
      flags.map((flag) => code(`--${flag}`)).join(', '),
      variables.map(code).join(', '),
      it.kind.label,
      it.default === undefined || it.default === '' ? defaultOf(it) : code(it.default),
      it.doc,
    ]
    return `| ${cells.map((cell) => cell.replaceAll('|', String.raw`\|`)).join(' | ')} |`
  })
  const table = ['| Flag | Environment | Kind | Default | Meaning |', '|---|---|---|---|---|', ...rows]
  return [`## ${program.name}`, '', program.summary, '', ...table, ''].join('\n')
}

function defaultOf(it: Setting<unknown>): string {
  if (it.default !== undefined) return it.default === '' ? 'empty' : `default ${it.default}`
  return it.required ? '**required**' : 'unset'
}

const code = (it: string): string => `\`${it}\``

const plain = (it: string): string => it.replace(/[`*]/g, '')
