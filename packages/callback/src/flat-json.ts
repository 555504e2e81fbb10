/**
 * A JSON object whose members are only text and whole numbers: all that the header and the claims of a document are.
 *
 * Stricter than `JSON.parse` where a generic parser lets two readers disagree: a member said twice, `__proto__`,
 * nesting of any depth, fractions, lone surrogates and invalid UTF-8 all make it no such object.
 */
export type FlatObject = ReadonlyMap<string, string | number>

const BLANK = String.raw`[ \t\r\n]*`
const TEXT = String.raw`"(?:[^"\\\u0000-\u001f]|\\[^\u0000-\u001f])*"`
const NUMBER = String.raw`-?(?:0|[1-9]\d{0,15})`
const MEMBER = `${BLANK}(${TEXT})${BLANK}:${BLANK}(${TEXT}|${NUMBER})${BLANK}([,}])`

export function parseFlatObject(bytes: Uint8Array): FlatObject | undefined {
  const text = decode(bytes)
  if (text === undefined || !text.startsWith('{')) return undefined
  const member = new RegExp(MEMBER, 'y')
  const members = new Map<string, string | number>()
  for (let end = 1; ; end = member.lastIndex) {
    member.lastIndex = end
    const [, quotedName = '', token = '', after] = member.exec(text) ?? []
    const name = unquote(quotedName)
    const value = token.startsWith('"') ? unquote(token) : integer(token)
    if (name === undefined || value === undefined || name === '__proto__' || members.has(name)) return undefined
    members.set(name, value)
    if (after === '}') return member.lastIndex === text.length ? members : undefined
  }
}

function decode(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}

function unquote(token: string): string | undefined {
  try {
    const value: unknown = JSON.parse(token)
    return typeof value === 'string' && value.isWellFormed() ? value : undefined
  } catch {
    return undefined
  }
}

function integer(token: string): number | undefined {
  const value = Number(token)
  return token !== '' && Number.isSafeInteger(value) ? value : undefined
}
