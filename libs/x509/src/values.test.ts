import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readDer, writeDer } from './der.ts'
import { oid, oidOf } from './oid.ts'
import { timeOf } from './time.ts'
import { ascii, integer, magnitudeOf, namedBitsOf, primitive, TAG, textOf, utf8 } from './values.ts'

const MALFORMED = expect.objectContaining({ code: 'X509_MALFORMED' })
const bytes = (...values: readonly number[]) => Uint8Array.from(values)

describe('object identifiers', () => {
  test('survive the trip to bytes and back', () => {
    const arcs = fc.array(fc.bigInt({ min: 0n, max: 2n ** 100n }), { maxLength: 3 })
    const top = fc.oneof(fc.tuple(fc.nat(1), fc.nat(39)), fc.tuple(fc.constant(2), fc.nat(10_000)))
    fc.assert(
      fc.property(top, arcs, (first, rest) => {
        const text = [...first, ...rest].join('.')
        expect(oidOf(readDer(writeDer(oid(text))))).toBe(text)
      }),
    )
  })

  test.each([
    ['nothing', []],
    ['a byte that promises another', [0x2a, 0x86]],
    ['an arc with padding', [0x2a, 0x80, 0x01]],
    ['more than 64 bytes', Array.from({ length: 65 }, () => 1)],
  ])('are not made of %s', (_what, content) => {
    expect(() => oidOf(primitive(TAG.oid, bytes(...content)))).toThrow(MALFORMED)
  })
})

describe('integers', () => {
  test('are written in as few bytes as DER wants, and read back', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 21 }), (magnitude) => {
        const read = magnitudeOf(readDer(writeDer(integer(magnitude))))
        expect(BigInt(`0x${read.toHex()}`)).toBe(BigInt(`0x${magnitude.toHex()}`))
      }),
    )
  })

  test.each([[[]], [[0x80]], [[0xff, 0x01]]])('%j is not a number of ours', (content) => {
    expect(() => magnitudeOf(primitive(TAG.integer, bytes(...content)))).toThrow(MALFORMED)
  })
})

describe('times', () => {
  test('are what Date makes of them', () => {
    const seconds = fc.integer({ min: Date.parse('1600-01-01') / 1_000, max: Date.parse('9999-12-31') / 1_000 })
    fc.assert(
      fc.property(seconds, (at) => {
        const text = new Date(at * 1_000).toISOString().replace(/[-:T]|\.\d+/g, '')
        expect(timeOf(ascii(TAG.generalizedTime, text))).toBe(at * 1_000)
      }),
      { numRuns: 1_000 },
    )
  })

  test('of two digits are in 1950 to 2049', () => {
    expect(timeOf(ascii(TAG.utcTime, '491231235959Z'))).toBe(Date.parse('2049-12-31T23:59:59Z'))
    expect(timeOf(ascii(TAG.utcTime, '500101000000Z'))).toBe(Date.parse('1950-01-01T00:00:00Z'))
  })

  test.each([
    '20300101000000',
    '20300101000000.5Z',
    '20300101000000+0100',
    '203001010000Z',
    '20301301000000Z',
    '20300001000000Z',
    '20300230000000Z',
    '21000229000000Z',
    '20300101240000Z',
    '20300101006000Z',
    '20300101000060Z',
    '20300100000000Z',
    '2030 101000000Z',
    '',
  ])('%j is none', (text) => {
    expect(() => timeOf(ascii(TAG.generalizedTime, text))).toThrow(MALFORMED)
  })
})

describe('texts', () => {
  test.each([
    ['utf-8', utf8('bücher'), 'bücher'],
    ['printable', ascii(TAG.printable, 'a b'), 'a b'],
    ['teletex, as latin-1', primitive(TAG.teletex, bytes(0x62, 0xfc)), 'bü'],
    ['bmp', primitive(TAG.bmp, bytes(0x00, 0x62, 0x20, 0xac)), 'b€'],
  ])('in %s are read', (_encoding, der, text) => {
    expect(textOf(readDer(writeDer(der)))).toBe(text)
  })

  test.each([
    ['utf-8 cut off', primitive(TAG.utf8, bytes(0xe2, 0x82))],
    ['utf-8 in too many bytes', primitive(TAG.utf8, bytes(0xc0, 0x80))],
    ['utf-8 with a nul', utf8('a\0b')],
    ['printable beyond ascii', primitive(TAG.printable, bytes(0xe9))],
    ['bmp with a nul', primitive(TAG.bmp, bytes(0, 0))],
    ['a bit string', primitive(TAG.bitString, bytes(0))],
    ['longer than 8 KiB', utf8('x'.repeat(8_193))],
  ])('in %s are refused', (_what, der) => {
    expect(() => textOf(der)).toThrow(MALFORMED)
  })

  test('utf8 that begins with a byte order mark is no text: decoders leave it out, and others read a name with it', () => {
    expect(() => textOf({ tag: TAG.utf8, bytes: bytes(0xef, 0xbb, 0xbf, 0x61) })).toThrow(MALFORMED)
  })

  test('bmp of an odd number of bytes is no text', () => {
    expect(() => textOf({ tag: 0x1e, bytes: bytes(0x61) })).toThrow(MALFORMED)
  })
})

test('named bits are counted from the left, and unused ones are not there', () => {
  expect(namedBitsOf(primitive(TAG.bitString, bytes(5, 0b1010_0000)))).toEqual([0, 2])
  expect(namedBitsOf(primitive(TAG.bitString, bytes(0)))).toEqual([])
  expect(() => namedBitsOf(primitive(TAG.bitString, bytes(8, 0)))).toThrow(MALFORMED)
  expect(() => namedBitsOf(primitive(TAG.bitString, bytes(3)))).toThrow(MALFORMED)
})
