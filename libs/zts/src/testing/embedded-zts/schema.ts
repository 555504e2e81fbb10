/** The names and bodies that a ZTS takes (spec `zts.md` 1 and 3), read with the texts it has for wrong ones. */
import { isObject } from '../../json.ts'
import { Refusal } from './answer.ts'

const PATTERNS = {
  SimpleName: '[a-zA-Z0-9_][a-zA-Z0-9_-]*',
  CompoundName: '([a-zA-Z0-9_][a-zA-Z0-9_-]*\\.)*[a-zA-Z0-9_][a-zA-Z0-9_-]*',
  PathElement: '[a-zA-Z0-9-\\._~=+@$,:]*',
} as const

export type NameType = keyof typeof PATTERNS

/** A name from the path. Refuses as ZTS does for one in the wrong form. */
export function checkName(text: string, type: NameType, what: string): string {
  if (fits(text, type)) return text
  throw new Refusal(400, `Invalid ${what}  error: String pattern mismatch (expected "${PATTERNS[type]}")`)
}

const fits = (text: string, type: NameType) => new RegExp(`^${PATTERNS[type]}$`).test(text)

/** Typed access to one JSON body of a named type; unknown fields are not looked at, null is absent. */
export interface Body {
  name(field: string, type: NameType): string
  text(field: string): string | undefined
  minutes(field: string): number
  flag(field: string): boolean
}

export function readBody(raw: string, typeName: string): Body {
  const value = parse(raw, typeName)
  const wrong = (problem: string) => new Refusal(400, `Invalid ${typeName} error: ${problem}`)

  function field<T>(key: string, is: (found: unknown) => found is T): T | undefined {
    const found = Object.hasOwn(value, key) ? value[key] : undefined
    if (found === undefined || found === null) return undefined
    if (is(found)) return found
    throw badJson()
  }
  return {
    name(key, type) {
      const text = field(key, isText)
      if (text === undefined) throw wrong(`Missing required field: ${key}`)
      if (fits(text, type)) return text.toLowerCase()
      throw wrong(`String pattern mismatch (expected "${PATTERNS[type]}")  for type ${type} in data.${key}`)
    },
    text: (key) => field(key, isText),
    minutes: (key) => field(key, isInt32) ?? 0,
    flag: (key) => field(key, isFlag) ?? false,
  }
}

function parse(raw: string, typeName: string): Readonly<Record<string, unknown>> {
  if (raw.trim() === '' || raw.trim() === 'null') throw new Refusal(400, `Missing or malformed ${typeName}`)
  let value: unknown
  try {
    value = JSON.parse(raw)
  } catch {
    throw badJson()
  }
  if (isObject(value)) return value
  throw badJson()
}

const badJson = () =>
  new Refusal(400, 'Invalid Object: checkout https://github.com/AthenZ/athenz/core/zts for object defintions')

const isText = (value: unknown): value is string => typeof value === 'string'
const isFlag = (value: unknown): value is boolean => typeof value === 'boolean'
const isInt32 = (value: unknown): value is number => Number.isInteger(value) && Math.abs(Number(value)) < 2 ** 31
