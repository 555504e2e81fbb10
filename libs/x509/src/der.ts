/**
 * DER, and only DER: bytes ⇄ a tree of tagged values, one encoding each way.
 *
 * node-forge does the parsing; what comes out is encoded again and compared, so that every BER liberty (indefinite or
 * overlong lengths, padded integers) is refused, and so that encoding a part of the tree gives the very bytes that were
 * read, which is what a signature covers.
 */
import asn1, { type Asn1 } from 'node-forge/lib/asn1.js'
import { malformed, X509Error } from './error.ts'

/** `tag` is the identifier octet: class, the constructed bit 0x20, and a number below 31. */
export type Der =
  | { readonly tag: number; readonly bytes: Uint8Array }
  | { readonly tag: number; readonly children: readonly Der[] }

const MAX_BYTES = 65_536
const MAX_DEPTH = 32
const CONSTRUCTED = 0x20
const NUMBER = 0x1f
/** node-forge turns values with this number, of any class, into 16-bit characters. */
const BMP_NUMBER = 0x1e

/**
 * Throws `X509_MALFORMED` unless `bytes` are exactly one DER value of at most 64 KiB and 32 levels. Values numbered 2
 * of any class must be minimal as integers are: node-forge cannot tell them apart, so a `[2]` that begins with a NUL
 * is refused too.
 */
export function readDer(bytes: Uint8Array): Der {
  if (bytes.length > MAX_BYTES) throw malformed('too long')
  const text = toBinary(bytes)
  const node = parse(text)
  if (asn1.toDer(node).getBytes() !== text) throw malformed('not der')
  return fromForge(node)
}

export const writeDer = (der: Der): Uint8Array<ArrayBuffer> => fromBinary(asn1.toDer(toForge(der)).getBytes())

function parse(text: string): Asn1 {
  try {
    return asn1.fromDer(text, { strict: true, parseAllBytes: true, decodeBitStrings: false, maxDepth: MAX_DEPTH })
  } catch (error) {
    throw malformed('not asn.1', error)
  }
}

function fromForge({ tagClass, type, constructed, value }: Asn1): Der {
  if (type === NUMBER) throw new X509Error('X509_UNSUPPORTED', 'tag numbers above 30 are not read here')
  const tag = tagClass | type
  if (typeof value !== 'string') return { tag: tag | CONSTRUCTED, children: value.map(fromForge) }
  if (constructed) throw malformed('a constructed value without parts')
  return { tag, bytes: type === BMP_NUMBER ? bytesOfUnits(value) : fromBinary(value) }
}

function toForge(der: Der): Asn1 {
  const type = der.tag & NUMBER
  const tagClass = der.tag & 0xc0
  if ('children' in der) return asn1.create(tagClass, type, true, der.children.map(toForge))
  return asn1.create(tagClass, type, false, type === BMP_NUMBER ? unitsOfBytes(der.bytes) : toBinary(der.bytes))
}

function toBinary(bytes: Uint8Array): string {
  const chunks: string[] = []
  for (let at = 0; at < bytes.length; at += 4_096) chunks.push(String.fromCharCode(...bytes.subarray(at, at + 4_096)))
  return chunks.join('')
}

function fromBinary(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length)
  for (let i = 0; i < bytes.length; i++) bytes[i] = text.charCodeAt(i)
  return bytes
}

const bytesOfUnits = (text: string) =>
  Uint8Array.from({ length: text.length * 2 }, (_, i) => text.charCodeAt(i >> 1) >> (i % 2 === 0 ? 8 : 0))

const unitsOfBytes = (bytes: Uint8Array) =>
  Array.from({ length: bytes.length >> 1 }, (_, i) =>
    String.fromCharCode(((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0)),
  ).join('')
