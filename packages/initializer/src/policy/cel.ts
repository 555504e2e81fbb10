/** Text of CEL expressions: literals, fields, and what joins them. */
import { isFields } from '../json.ts'

/** A single-quoted string; what is not printable ASCII by its number. */
export const quoted = (text: string): string =>
  `'${text.replaceAll(/[\\']/g, String.raw`\$&`).replaceAll(/[^ -~]/gu, (it) => String.raw`\U${(it.codePointAt(0) ?? 0).toString(16).padStart(8, '0')}`)}'`

/**
 * A value of a template. Lists and maps of mixed values do not compile on an API server, so each member that is not text is
 * made dynamic.
 */
export function literal(value: unknown): string {
  if (typeof value === 'string') return quoted(value)
  if (Array.isArray(value)) return `[${value.map(memberOf(value)).join(', ')}]`
  if (isFields(value)) {
    const member = memberOf(Object.values(value))
    return `{${Object.entries(value)
      .map(([key, it]) => `${quoted(key)}: ${member(it)}`)
      .join(', ')}}`
  }
  return String(value)
}

const memberOf = (members: readonly unknown[]) =>
  members.every((it) => typeof it === 'string') ? literal : (it: unknown) => `dyn(${literal(it)})`

/** What cannot stand behind a dot. */
const KEYWORDS = ['in', 'true', 'false', 'null', 'as', 'break', 'const', 'continue', 'else', 'for', 'function', 'if', 'import', 'let', 'loop', 'package', 'namespace', 'return', 'var', 'void', 'while']
const isPlain = (key: string): boolean => /^[A-Za-z_][A-Za-z0-9_]*$/.test(key) && !KEYWORDS.includes(key)

export const select = (at: string, key: string): string => (isPlain(key) ? `${at}.${key}` : `${at}[${quoted(key)}]`)
export const present = (at: string, key: string): string => (isPlain(key) ? `has(${at}.${key})` : `${quoted(key)} in ${at}`)

/** Holds when each does; nothing always holds. */
export const all = (terms: readonly string[]): string => {
  const needed = [...new Set(terms.filter((term) => term !== 'true'))]
  if (needed.length === 0) return 'true'
  return needed.length === 1 ? needed.join('') : needed.map(bracketed).join(' && ')
}

/** Holds when one does. */
export const any = (terms: readonly string[]): string => (terms.length === 1 ? terms.join('') : terms.map(bracketed).join(' || '))

export const not = (term: string): string => `!(${term})`

/** Around what would come apart beside another term. */
const bracketed = (term: string): string => (/&&|\|\||\?/.test(term) ? `(${term})` : term)
