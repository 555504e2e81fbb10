/** The ASN.1 values that certificates and CSRs are made of: makers, and readers that throw `X509_MALFORMED`. */
import type { Der } from './der.ts'
import { malformed } from './error.ts'

export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  utf8: 0x0c,
  printable: 0x13,
  teletex: 0x14,
  ia5: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  bmp: 0x1e,
  sequence: 0x30,
  set: 0x31,
} as const

/** `[n]` around other values. */
export const inContext = (n: number): number => 0xa0 | n
/** `[n]` in place of a primitive value's own tag. */
export const asContext = (n: number): number => 0x80 | n

export const sequence = (...children: readonly Der[]): Der => ({ tag: TAG.sequence, children })
export const set = (...children: readonly Der[]): Der => ({ tag: TAG.set, children })
export const wrapped = (n: number, ...children: readonly Der[]): Der => ({ tag: inContext(n), children })
export const primitive = (tag: number, bytes: Uint8Array): Der => ({ tag, bytes })
export const nothing: Der = { tag: TAG.null, bytes: new Uint8Array() }
export const boolean = (value: boolean): Der => primitive(TAG.boolean, Uint8Array.of(value ? 0xff : 0))
export const octets = (bytes: Uint8Array): Der => primitive(TAG.octetString, bytes)
export const bits = (bytes: Uint8Array): Der => primitive(TAG.bitString, Uint8Array.of(0, ...bytes))
export const utf8 = (text: string): Der => primitive(TAG.utf8, new TextEncoder().encode(text))
export const ascii = (tag: number, text: string): Der => primitive(tag, new TextEncoder().encode(text))

/** A non-negative integer from its magnitude, most significant byte first. */
export function integer(magnitude: Uint8Array): Der {
  const first = magnitude.findIndex((byte) => byte !== 0)
  if (first < 0) return primitive(TAG.integer, Uint8Array.of(0))
  const bare = magnitude.subarray(first)
  return primitive(TAG.integer, (bare[0] ?? 0) < 0x80 ? bare : Uint8Array.of(0, ...bare))
}

export function partsOf(der: Der | undefined, tag: number): readonly Der[] {
  if (der?.tag === tag && 'children' in der) return der.children
  throw malformed('an unexpected or missing part')
}

export function bytesOf(der: Der | undefined, tag: number): Uint8Array {
  if (der?.tag === tag && 'bytes' in der) return der.bytes
  throw malformed('an unexpected or missing value')
}

export function booleanOf(der: Der | undefined): boolean {
  const [value, ...more] = bytesOf(der, TAG.boolean)
  if (more.length === 0 && value === 0xff) return true
  if (more.length === 0 && value === 0) return false
  throw malformed('not a boolean')
}

/** Magnitude of a non-negative integer, without leading zeros but for zero itself. */
export function magnitudeOf(der: Der | undefined): Uint8Array {
  const bytes = bytesOf(der, TAG.integer)
  if (bytes.length === 0 || (bytes[0] ?? 0) >= 0x80) throw malformed('not a non-negative integer')
  return bytes.length > 1 && bytes[0] === 0 ? bytes.subarray(1) : bytes
}

/** A non-negative integer below 2^31. */
export function smallIntegerOf(der: Der | undefined): number {
  const bytes = magnitudeOf(der)
  const value = bytes.reduce((sum, byte) => sum * 256 + byte, 0)
  if (value < 2 ** 31) return value
  throw malformed('too large an integer')
}

/** The bytes of a bit string that ends on a byte. */
export function wholeBitsOf(der: Der | undefined): Uint8Array {
  const bytes = bytesOf(der, TAG.bitString)
  if (bytes[0] === 0) return bytes.subarray(1)
  throw malformed('not a bit string of whole bytes')
}

/** Positions of the ones in a bit string of named bits. */
export function namedBitsOf(der: Der | undefined): readonly number[] {
  const [unused, ...bytes] = bytesOf(der, TAG.bitString)
  if (unused === undefined || unused > 7 || (bytes.length === 0 && unused > 0)) throw malformed('not a bit string')
  return Array.from({ length: bytes.length * 8 - unused }, (_, i) => i).filter(
    (i) => ((bytes[i >> 3] ?? 0) & (0x80 >> (i % 8))) !== 0,
  )
}

const VISIBLE = /^[\x20-\x7e]*$/
export const isVisible = (text: string): boolean => VISIBLE.test(text)

/** Printable ASCII under any one tag. */
export function asciiOf(der: Der | undefined, tag: number): string {
  const text = String.fromCharCode(...bytesOf(der, tag).subarray(0, MAX_TEXT + 1))
  if (text.length <= MAX_TEXT && isVisible(text)) return text
  throw malformed('a text is too long or not printable ascii')
}

const MAX_TEXT = 8_192

/** A DirectoryString or IA5String. */
export function textOf(der: Der | undefined): string {
  const bytes = der !== undefined && 'bytes' in der ? der.bytes : undefined
  const text = bytes === undefined || bytes.length > MAX_TEXT ? undefined : decode(der?.tag, bytes)
  if (text !== undefined && !text.includes('\0')) return text
  throw malformed('not a text')
}

function decode(tag: number | undefined, bytes: Uint8Array): string | undefined {
  if (tag === TAG.utf8) return decodeUtf8(bytes)
  if (tag === TAG.teletex) return String.fromCharCode(...bytes)
  if (tag === TAG.bmp) return decodeBmp(bytes)
  if (tag !== TAG.printable && tag !== TAG.ia5) return undefined
  const text = String.fromCharCode(...bytes)
  return isVisible(text) ? text : undefined
}

const decodeBmp = (bytes: Uint8Array) =>
  bytes.length % 2 === 1 ? undefined : Array.from({ length: bytes.length >> 1 }, (_, i) =>
    String.fromCharCode(((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0)),
  ).join('')

function decodeUtf8(bytes: Uint8Array): string | undefined {
  // A decoder would leave it out, and the name would be another than the one that is there.
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) return undefined
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return undefined
  }
}
