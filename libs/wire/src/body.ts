/** Reading JSON bodies as the original did: names in any case, unknown ones ignored. Throws `BODY_INVALID`. */
import { IdentityError } from '@pallas/identity'

export const invalid = (message: string, fields: Record<string, unknown> = {}): IdentityError =>
  new IdentityError('BODY_INVALID', message, fields)

/** The members of a JSON object by lower-case name. `null` counts as absent, as with the original. */
export type Members = ReadonlyMap<string, unknown>

const MAX_LENGTH = 1_048_576

/** `body` is text, UTF-8 bytes, or already parsed. */
export function membersOfBody(body: unknown): Members {
  if (typeof body === 'string') return membersOf(parse(body), 'body')
  return membersOf(body instanceof Uint8Array ? parse(decode(body)) : body, 'body')
}

/** A name said twice in different cases is refused: two readers could take either. */
export function membersOf(value: unknown, where: string): Members {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid('not a json object', { where })
  const members = new Map<string, unknown>()
  for (const [name, member] of Object.entries(value)) {
    const key = name.toLowerCase()
    if (members.has(key)) throw invalid('a name is there twice', { where })
    members.set(key, member)
  }
  return new Map([...members].filter(([, member]) => member !== null))
}

/** Undefined when absent; `maxLength` in UTF-16 units. */
export function optionalText(members: Members, name: string, maxLength: number): string | undefined {
  const value = members.get(name)
  if (value === undefined) return undefined
  if (typeof value === 'string' && value.length <= maxLength && value.isWellFormed()) return value
  throw invalid('not a text, or too long', { name })
}

/** Not empty. */
export function textOf(members: Members, name: string, maxLength: number): string {
  const value = optionalText(members, name, maxLength)
  if (value !== undefined && value !== '') return value
  throw invalid('missing or empty', { name })
}

const MAX_PEM_BASE64 = 262_144
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/

/** Standard base64 of text, as Go writes bytes into JSON; empty text when absent or empty. */
export function base64Text(members: Members, name: string): string {
  const value = optionalText(members, name, MAX_PEM_BASE64) ?? ''
  if (value === '') return ''
  if (!BASE64.test(value)) throw invalid('not base64', { name })
  try {
    return decode(Uint8Array.fromBase64(value, { lastChunkHandling: 'strict' }))
  } catch {
    throw invalid('not base64 of text', { name })
  }
}

export const toBase64 = (text: string): string => new TextEncoder().encode(text).toBase64()

function parse(text: string): unknown {
  if (text.length > MAX_LENGTH) throw invalid('too long')
  try {
    return JSON.parse(text)
  } catch {
    throw invalid('not json')
  }
}

function decode(bytes: Uint8Array): string {
  if (bytes.length > MAX_LENGTH) throw invalid('too long')
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw invalid('not utf-8')
  }
}
