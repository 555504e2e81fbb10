/**
 * DER: bytes ⇄ a tree of tagged values, one encoding each way. What is within values other than integers is for those who read them.
 *
 * What BER would allow besides (indefinite or overlong lengths, padded integers, bytes behind the end) is refused, so that
 * encoding a part of the tree gives the very bytes that were read, which is what a signature covers.
 */
import { malformed, X509Error } from './error.ts'

/** `tag` is the identifier octet: class, the constructed bit 0x20, and a number below 31. */
export type Der =
  | { readonly tag: number; readonly bytes: Uint8Array }
  | { readonly tag: number; readonly children: readonly Der[] }

const MAX_BYTES = 65_536
const MAX_DEPTH = 32
const CONSTRUCTED = 0x20
const NUMBER = 0x1f
const INTEGER = 0x02
const CLASS = 0xc0
const SEQUENCE = 0x30
const SET = 0x31

/** Throws `X509_MALFORMED` unless `bytes` are exactly one DER value of at most 64 KiB and 32 levels. */
export function readDer(bytes: Uint8Array): Der {
  if (bytes.length > MAX_BYTES) throw malformed('too long')
  const [only, ...more] = valuesIn(new Uint8Array(bytes), 1)
  if (only === undefined || more.length > 0) throw malformed('not one value')
  return only
}

/** Of each value that was read the bytes it was read from, which are the only ones that writing it could give. */
const encodings = new WeakMap<Der, Uint8Array>()

function valuesIn(bytes: Uint8Array, depth: number): Der[] {
  if (depth > MAX_DEPTH) throw malformed('too deep')
  const values: Der[] = []
  for (let at = 0; at < bytes.length; ) {
    const { tag, start, end } = headAt(bytes, at)
    if (!hasItsForm(tag)) throw malformed('a value in a form that its type does not have')
    const content = bytes.subarray(start, end)
    const value = (tag & CONSTRUCTED) === 0 ? { tag, bytes: checked(tag, content) } : { tag, children: valuesIn(content, depth + 1) }
    encodings.set(value, bytes.subarray(at, end))
    values.push(value)
    at = end
  }
  return values
}

/** X.690, 8.9, 8.11 and 10.2: of the universal types that are read here, sequences and sets are made of others, and no string is. */
const hasItsForm = (tag: number): boolean =>
  (tag & CLASS) !== 0 || ((tag & CONSTRUCTED) !== 0 ? tag === SEQUENCE || tag === SET : tag !== 0 && tag !== (SEQUENCE & NUMBER) && tag !== (SET & NUMBER))

/** X.690, 8.1.2 and 8.1.3 with 10.1: one octet says what it is, as few as can be how long it is. */
function headAt(bytes: Uint8Array, at: number) {
  const tag = bytes[at] ?? 0
  const first = bytes[at + 1]
  if ((tag & NUMBER) === NUMBER) throw new X509Error('X509_UNSUPPORTED', 'tag numbers above 30 are not read here')
  if (first === undefined) throw malformed('a value without a length')
  const more = first < 0x80 ? 0 : first & 0x7f
  const start = at + 2 + more
  // Nothing here is longer than four octets can say.
  if (first === 0x80 || more > 4 || start > bytes.length) throw malformed('not a length of der')
  const length = more === 0 ? first : bytes.subarray(at + 2, start).reduce((sum, byte) => sum * 256 + byte, 0)
  if (more > 0 && (length < 0x80 || length < 256 ** (more - 1))) throw malformed('an overlong length')
  if (start + length > bytes.length) throw malformed('a value longer than what holds it')
  return { tag, start, end: start + length }
}

/** X.690, 8.3.2: the first nine bits of an integer are not the same. */
function checked(tag: number, content: Uint8Array): Uint8Array {
  const first = content[0] ?? 0
  const second = content[1] ?? 0
  const isPadded = content.length > 1 && (first === 0 ? second < 0x80 : first === 0xff && second >= 0x80)
  if (tag === INTEGER && (content.length === 0 || isPadded)) throw malformed('a padded integer')
  return content
}

export function writeDer(der: Der): Uint8Array<ArrayBuffer> {
  const known = encodings.get(der)
  if (known !== undefined) return new Uint8Array(known)
  const parts = 'children' in der ? der.children.map(writeDer) : [der.bytes]
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  const head = [tagOf(der), ...lengthOctets(length)]
  const bytes = new Uint8Array(head.length + length)
  bytes.set(head)
  let at = head.length
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

const tagOf = (der: Der): number => ('children' in der ? der.tag | CONSTRUCTED : der.tag)

function lengthOctets(length: number): number[] {
  if (length < 0x80) return [length]
  const octets: number[] = []
  for (let left = length; left > 0; left = Math.floor(left / 256)) octets.unshift(left % 256)
  return [0x80 | octets.length, ...octets]
}
