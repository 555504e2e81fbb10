/** What a program can be told: each setting said once, with its flag, variable, default, kind and meaning. */
import type { Kind } from './kind.ts'

export interface Setting<T> {
  readonly kind: Kind<T>
  readonly doc: string
  /** Written as text and parsed like any input. */
  readonly default?: string
  readonly required?: true
  /** Without dashes. Default: the key in kebab-case. */
  readonly flag?: string
  /** Default: `<PREFIX>_<KEY>` in upper snake case. */
  readonly env?: string
  /** Further names: `lower-case` is a flag, `UPPER_CASE` a variable. */
  readonly aliases?: readonly string[]
}

type Rest<T> = Omit<Setting<T>, 'kind'>

/** With neither `default` nor `required` the value may be undefined. */
export function setting<T>(kind: Kind<T>, rest: Rest<T> & ({ default: string } | { required: true })): Setting<T>
export function setting<T>(kind: Kind<T>, rest: Rest<T>): Setting<T | undefined>
export function setting<T>(kind: Kind<T>, rest: Rest<T>): Setting<T> {
  return { kind, ...rest }
}

export type Schema = Readonly<Record<string, Setting<unknown>>>

type SettingsIn<S extends Schema> = { readonly [K in keyof S]: S[K] extends Setting<infer T> ? T : never }

/** A program without the types of its settings: enough to name and describe them. */
export interface AnyProgram {
  /** As it is run, such as `athenz-jwt-service`. */
  readonly name: string
  /** Before every variable without a name of its own; empty for none. */
  readonly envPrefix: string
  readonly summary: string
  readonly schema: Schema
}

export interface Program<S extends Schema> extends AnyProgram {
  readonly schema: S
  /** Rules that several settings share: one sentence for each that is broken. Runs only when every setting parses. */
  readonly check?: (settings: SettingsIn<S>) => readonly string[]
}

export type SettingsOf<P> = P extends Program<infer S> ? SettingsIn<S> : never

/** The names under which one setting is given. */
export interface Names {
  readonly flags: readonly string[]
  readonly variables: readonly string[]
}

/** Throws `TypeError` for a program that could never be used: a name taken twice, a default that does not parse. */
export function program<S extends Schema>(definition: Program<S>): Program<S> {
  const taken = new Set(['--help', '--version', '--h'])
  for (const [key, it] of Object.entries(definition.schema)) {
    const { flags, variables } = namesOf(definition, key)
    for (const name of [...flags.map((flag) => `--${flag}`), ...variables]) {
      if (taken.has(name)) throw new TypeError(`${definition.name}: ${name} is taken twice`)
      taken.add(name)
    }
    if (it.default !== undefined) it.kind.parse(it.default)
  }
  return definition
}

export function namesOf({ envPrefix, schema }: AnyProgram, key: string): Names {
  const { flag = kebab(key), env = [envPrefix, kebab(key)].filter(Boolean).join('_'), aliases = [] } = schema[key] ?? {}
  return {
    flags: [flag, ...aliases.filter((name) => !isVariable(name))],
    variables: [env.replaceAll('-', '_').toUpperCase(), ...aliases.filter(isVariable)],
  }
}

const isVariable = (name: string): boolean => /^[A-Z0-9_]+$/.test(name)

const kebab = (key: string): string => key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
