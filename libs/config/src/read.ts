import { ConfigError } from './error.ts'
import { helpText } from './describe.ts'
import { type FlagTarget, quote, readFlags } from './flags.ts'
import type { Kind } from './kind.ts'
import { type AnyProgram, type Names, namesOf, type Program, type Schema, type SettingsOf } from './schema.ts'

export interface Sources {
  readonly argv: readonly string[]
  /** An empty variable counts as unset. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** A settings file that someone has read: keys of the schema; text, numbers, booleans or arrays of them. */
  readonly file?: Readonly<Record<string, unknown>>
  readonly version: string
}

export type Reading<S extends Schema> =
  | { readonly kind: 'run'; readonly settings: SettingsOf<Program<S>> }
  | { readonly kind: 'print'; readonly text: string }

/** Flag over environment over file over default. Throws `ConfigError` with every problem, not only the first. */
export function readProgram<S extends Schema>(program: Program<S>, sources: Sources): Reading<S> {
  // Once for all: a program that is started at every pod spends more on this than on its settings.
  const names = new Map(Object.keys(program.schema).map((key) => [key, namesOf(program, key)] as const))
  const { values: flags, asked, problems: flagProblems } = readFlags(sources.argv, targetsOf(program, names))
  if (asked === 'help') return { kind: 'print', text: helpText(program) }
  if (asked === 'version') return { kind: 'print', text: `${program.name} ${sources.version}\n` }

  const problems = [...flagProblems, ...unknownKeys(program, sources.file)]
  const settings: Record<string, unknown> = {}
  for (const [key, it] of Object.entries(program.schema)) {
    try {
      const given = flags.get(key) ?? variableOf(names.get(key), sources.env) ?? textOf(sources.file?.[key]) ?? it.default
      if (given !== undefined) settings[key] = parse(it.kind, given)
      else if (it.required) throw new TypeError('is required')
      else settings[key] = undefined
    } catch (cause) {
      problems.push(`${titleOf(program, key)} ${cause instanceof Error ? cause.message : 'cannot be read'}`)
    }
  }
  const parsed = settings as SettingsOf<Program<S>>
  if (problems.length === 0) problems.push(...(program.check?.(parsed) ?? []))
  if (problems.length > 0) throw new ConfigError(problems)
  return { kind: 'run', settings: parsed }
}

function parse<T>(kind: Kind<T>, given: string): T {
  try {
    return kind.parse(given)
  } catch (cause) {
    throw new TypeError(`${cause instanceof Error ? cause.message : 'cannot be read'}, not ${quote(given)}`, { cause })
  }
}

const titleOf = (program: AnyProgram, key: string): string => {
  const { flags, variables } = namesOf(program, key)
  return `--${flags[0]} (${variables[0]})`
}

function targetsOf({ schema }: AnyProgram, names: ReadonlyMap<string, Names>): ReadonlyMap<string, FlagTarget> {
  const targets = new Map<string, FlagTarget>()
  for (const [key, { flags }] of names) for (const flag of flags) targets.set(flag, { key, bare: schema[key]?.kind.bare })
  return targets
}

function variableOf(names: Names | undefined, env: Sources['env']): string | undefined {
  const name = names?.variables.find((each) => env[each] !== undefined && env[each] !== '')
  return name === undefined ? undefined : env[name]
}

function unknownKeys({ schema }: AnyProgram, file: Sources['file'] = {}): string[] {
  return Object.keys(file)
    .filter((key) => !Object.hasOwn(schema, key))
    .map((key) => `${quote(key)} in the settings file is not a setting`)
}

/** A value of the settings file as the text that a flag would have; null is "not set". */
function textOf(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value === 'string') return value
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  if (Array.isArray(value)) return value.map((member) => textOf(member) ?? '').join(',')
  throw new TypeError('must be text, a number, true, false or a list of them in the settings file')
}
