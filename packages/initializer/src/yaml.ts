import { parseDocument } from 'yaml'
import { type Fields, isFields } from './json.ts'

/** More than anybody writes, less than what makes a bomb. */
const ALIAS_LIMIT = 100

/** A mapping of what JSON can hold, without nulls; or the end of a sentence that says what is wrong with the text. */
export function parseMapping(text: string): Fields | string {
  try {
    // 1.1, as Go's YAML: `0644` is octal there.
    const document = parseDocument(text, { version: '1.1', prettyErrors: false, uniqueKeys: true })
    const [problem] = [...document.errors, ...document.warnings]
    if (problem !== undefined) return `is not yaml: ${problem.message}`
    const value = plain(document.toJS({ maxAliasCount: ALIAS_LIMIT }))
    return isFields(value) ? value : 'is not a mapping of plain values'
  } catch {
    return 'has too many aliases'
  }
}

/** Undefined when something in it is not what JSON holds, such as a date. */
function plain(value: unknown): unknown {
  if (value === null || typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value)) return value
  if (Array.isArray(value)) {
    const members = value.map(plain)
    return members.includes(undefined) ? undefined : members
  }
  if (!isFields(value) || Object.getPrototypeOf(value) !== Object.prototype) return undefined
  const entries = Object.entries(value).map(([key, member]) => [key, plain(member)] as const)
  if (entries.some(([, member]) => member === undefined)) return undefined
  return Object.fromEntries(entries.filter(([, member]) => member !== null))
}
