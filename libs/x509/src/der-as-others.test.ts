/** Two readers that disagree about bytes are how a name is smuggled: ours is held against a general library. */
import fc from 'fast-check'
import asn1, { type Asn1 } from 'node-forge/lib/asn1.js'
import { expect, test } from 'vitest'
import { type Der, readDer, writeDer } from './der.ts'
import { TestCa } from './testing/index.ts'
import { readCertificate } from './certificate.ts'

const CONSTRUCTED = 0x20
const BMP_NUMBER = 0x1e
const INTEGER_NUMBER = 0x02
const MORE_OCTETS = 0x1f
const MADE_OF_OTHERS: ReadonlySet<number> = new Set([0x10, 0x11])

/** Undefined for what is no DER to it: it reads more than that, so what it read is written again and compared. */
function readByOther(bytes: Uint8Array): Der | undefined {
  const text = Buffer.from(bytes).toString('latin1')
  try {
    const node = asn1.fromDer(text, { strict: true, parseAllBytes: true, decodeBitStrings: false, maxDepth: 32 })
    return asn1.toDer(node).getBytes() === text && !isTooMuch(node) ? derOf(node) : undefined
  } catch {
    return undefined
  }
}

/** It takes strings in parts, an integer of no bytes, and the number that says that the real one follows for the number itself. */
const isTooMuch = ({ tagClass, type, value }: Asn1): boolean => {
  const isWhole = typeof value === 'string'
  if (type === MORE_OCTETS || (tagClass === 0 && (type === 0 || isWhole === MADE_OF_OTHERS.has(type)))) return true
  return isWhole ? tagClass === 0 && type === INTEGER_NUMBER && value === '' : value.some(isTooMuch)
}

function derOf({ tagClass, type, value }: Asn1): Der {
  const tag = tagClass | type
  if (typeof value !== 'string') return { tag: tag | CONSTRUCTED, children: value.map(derOf) }
  // Of any class, and in units of 16 bits.
  if (type === BMP_NUMBER) return { tag, bytes: Uint8Array.from(Buffer.from(value, 'utf16le').swap16()) }
  return { tag, bytes: Uint8Array.from(Buffer.from(value, 'latin1')) }
}

function read(bytes: Uint8Array): Der | undefined {
  try {
    return readDer(bytes)
  } catch {
    return undefined
  }
}

/** It wants every value of the number 2 to be an integer, of whatever class; and a text of 16-bit characters to have no half of one. */
const isItsOwnRule = (der: Der): boolean => {
  if ('children' in der) return der.children.some(isItsOwnRule)
  const number = der.tag & 0x1f
  return (number === INTEGER_NUMBER && der.tag !== INTEGER_NUMBER) || (number === BMP_NUMBER && der.bytes.length % 2 === 1)
}

const { der } = fc.letrec<{ der: Der }>((tie) => ({
  der: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.record({ tag: fc.constantFrom(0x01, 0x03, 0x04, 0x05, 0x06, 0x0c, 0x13, 0x17, 0x80, 0x86), bytes: fc.uint8Array({ maxLength: 300 }) }),
    fc.record({ tag: fc.constant(0x02), bytes: fc.integer({ min: 1, max: 0x7f }).map((it) => Uint8Array.of(it)) }),
    fc.record({ tag: fc.constantFrom(0x30, 0x31, 0xa0, 0xa3), children: fc.array(tie('der'), { maxLength: 4 }) }),
  ),
}))
const damage = fc.array(fc.record({ at: fc.nat({ max: 400 }), byte: fc.oneof(fc.constantFrom(0, 1, 0x02, 0x1e, 0x30, 0x7f, 0x80, 0x81, 0x82, 0xff), fc.nat({ max: 255 })) }), { maxLength: 2 })

function damaged(bytes: Uint8Array, places: readonly { readonly at: number; readonly byte: number }[]): Uint8Array {
  const copy = Uint8Array.from(bytes)
  for (const { at, byte } of places) if (copy.length > 0) copy[at % copy.length] = byte
  return copy
}

function expectAlike(bytes: Uint8Array): boolean {
  const ours = read(bytes)
  const theirs = readByOther(bytes)
  if (theirs !== undefined) expect(ours).toEqual(theirs)
  if (ours !== undefined && !isItsOwnRule(ours)) expect(theirs).toEqual(ours)
  return ours !== undefined
}

test('whole values and damaged ones are read alike, or by neither', () => {
  const seen = { read: 0, refused: 0 }
  fc.assert(
    fc.property(der, damage, (it, places) => {
      seen[expectAlike(damaged(writeDer(it), places)) ? 'read' : 'refused']++
    }),
    { numRuns: 10_000 },
  )
  expect(Math.min(seen.read, seen.refused)).toBeGreaterThan(500)
})

test('so are certificates with any one bit turned', async () => {
  const ca = await TestCa.create({ name: 'authority' })
  const { certPem } = await ca.issue({ commonName: 'shop.web', dns: ['web.shop.example'], ip: ['10.0.0.1', '2001:db8::1'], uri: ['spiffe://shop/sa/web'] })
  const bytes = readCertificate(certPem).der
  let refused = 0
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const turned = Uint8Array.from(bytes)
    turned[bit >> 3] = (turned[bit >> 3] ?? 0) ^ (1 << (bit & 7))
    if (!expectAlike(turned)) refused++
  }
  expect(refused).toBeGreaterThan(100)
})
