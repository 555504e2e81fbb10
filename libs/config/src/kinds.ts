/** The kinds of plain values: text, names, paths, switches, numbers, choices, lists. */
import { fail, type Kind } from './kind.ts'

/** Any text, empty too. */
export const text: Kind<string> = { label: 'text', parse: (it) => it }

/** Text that says something, without blanks around it: for whatever decides who may do what. */
export const name: Kind<string> = {
  label: 'name',
  parse: (it) => (it === '' || it !== it.trim() ? fail('must be a name') : it),
}

/** A path of a file or directory. Nothing is opened. */
export const path: Kind<string> = {
  label: 'path',
  parse: (it) => (it === '' || it.includes('\0') ? fail('must be a path') : it),
}

const TRUE = new Set(['1', 't', 'T', 'true', 'TRUE', 'True'])
const FALSE = new Set(['0', 'f', 'F', 'false', 'FALSE', 'False'])

/** Go's booleans: `--x` and `--x=true`, `--x=false`; never `--x false`. */
export const flag: Kind<boolean> = {
  label: 'true or false',
  bare: 'true',
  parse: (it) => (TRUE.has(it) ? true : FALSE.has(it) ? false : fail('must be true or false')),
}

export function integer({ min = 0, max = Number.MAX_SAFE_INTEGER }: { min?: number; max?: number } = {}): Kind<number> {
  const within = max === Number.MAX_SAFE_INTEGER ? `${min} or more` : `${min} to ${max}`
  return {
    label: `number, ${within}`,
    parse: (it) => {
      const value = /^-?\d{1,16}$/.test(it) ? Number(it) : fail('must be a whole number')
      return value >= min && value <= max ? value : fail(`must be ${within}`)
    },
  }
}

export function oneOf<const T extends string>(...choices: readonly T[]): Kind<T> {
  return {
    label: choices.map((choice) => `\`${choice}\``).join(', '),
    parse: (it) => choices.find((choice) => choice === it) ?? fail(`must be one of ${choices.join(', ')}`),
  }
}

/** Comma-separated; blanks around a member are dropped; empty text is the empty list. */
export function list<T>(member: Kind<T>): Kind<readonly T[]> {
  return {
    label: `list of ${member.label}`,
    parse: (it) => (it.trim() === '' ? [] : it.split(',').map((part) => member.parse(part.trim() || fail('has an empty member')))),
  }
}
