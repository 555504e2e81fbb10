/** Reading foreign JSON without believing it: each reader gives a value of the type asked for or calls `wrong`. */

export type JsonObject = Readonly<Record<string, unknown>>

/** Throws the caller's error for the field at `path`. */
export type Wrong = (path: string) => never

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

/** Readers of one object's fields. An absent field, `null` and (for text) `''` are the same, as in Go's encoding. */
export function fieldsOf(object: JsonObject, prefix: string, wrong: Wrong) {
  const at = (key: string) => (prefix === '' ? key : `${prefix}.${key}`)
  const read = <T>(key: string, absent: T, is: (value: unknown) => value is T): T => {
    const value = Object.hasOwn(object, key) ? object[key] : undefined
    if (value === undefined || value === null) return absent
    return is(value) ? value : wrong(at(key))
  }
  return {
    text: (key: string, absent = ''): string => read(key, absent, (value) => typeof value === 'string') || absent,
    flag: (key: string): boolean => read(key, false, (value) => typeof value === 'boolean'),
    whole: (key: string, absent = 0): number =>
      read(key, absent, (value): value is number => Number.isSafeInteger(value)),
    object: (key: string): JsonObject => read(key, {}, isObject),
    list: (key: string): readonly unknown[] => read<readonly unknown[]>(key, [], Array.isArray),
    texts: (key: string): readonly string[] => read<readonly string[]>(key, [], isTexts),
    textMap: (key: string): Readonly<Record<string, string>> => read(key, {}, isTextMap),
  }
}

const isTexts = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((item) => typeof item === 'string')

const isTextMap = (value: unknown): value is Readonly<Record<string, string>> =>
  isObject(value) && Object.values(value).every((item) => typeof item === 'string')
