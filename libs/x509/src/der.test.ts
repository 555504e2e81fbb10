import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Der, readDer, writeDer } from './der.ts'

const hex = (text: string): Uint8Array => Uint8Array.fromHex(text.replaceAll(' ', ''))

const { der } = fc.letrec<{ der: Der }>((tie) => ({
  der: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.record({ tag: fc.constantFrom(0x01, 0x03, 0x04, 0x0c, 0x1e, 0x80, 0x82, 0x9e), bytes: fc.uint8Array({ maxLength: 300 }) }),
    fc.record({ tag: fc.constantFrom(0x30, 0x31, 0xa0, 0xa3), children: fc.array(tie('der'), { maxLength: 4 }) }),
  ),
}))

test('what is written is read back', () => {
  fc.assert(fc.property(der, (it) => { expect(readDer(writeDer(it))).toEqual(it) }))
})

test('whatever is read is written with the same bytes, and nothing else is thrown but that it is not der', () => {
  const piece = fc.oneof(fc.constantFrom(0x30, 0x02, 0x04, 0x80, 0x81, 0x82, 0x00, 0x01, 0x1f, 0xff), fc.integer({ min: 0, max: 8 }))
  let read = 0
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 10 }), (codes) => {
      const bytes = Uint8Array.from(codes)
      let found: Der
      try {
        found = readDer(bytes)
      } catch (error) {
        expect(error).toMatchObject({ code: expect.stringMatching(/^X509_(MALFORMED|UNSUPPORTED)$/) })
        return
      }
      read++
      expect(writeDer(found)).toEqual(bytes)
      expect(writeDer(structuredClone(found))).toEqual(bytes)
    }),
    { numRuns: 20_000 },
  )
  expect(read).toBeGreaterThan(100)
})

test.each([127, 128, 255, 256, 65_000])('a value of %i bytes has one length', (length) => {
  const bytes = writeDer({ tag: 0x04, bytes: new Uint8Array(length) })
  expect(readDer(bytes)).toEqual({ tag: 0x04, bytes: new Uint8Array(length) })
})

describe('refused is', () => {
  test.each([
    ['nothing', ''],
    ['a tag alone', '30'],
    ['a tag alone within', '30 01 04'],
    ['more than one value', '05 00 05 00'],
    ['a byte behind the end', '05 00 00'],
    ['a value that ends too late', '04 02 00'],
    ['a value within that ends too late', '30 03 04 02 00'],
    ['an indefinite length', '30 80 05 00 00 00'],
    ['an indefinite length of what has no parts', '04 80 00 00'],
    ['a length in one octet more', '04 81 01 00'],
    ['a length in two octets more', `04 82 00 80 ${'00'.repeat(128)}`],
    ['a length that begins with nothing', `04 83 00 01 00 ${'00'.repeat(256)}`],
    ['a length in five octets', '04 85 00 00 00 00 01 00'],
    ['a length of 4 GiB', '04 84 ff ff ff ff 00'],
    ['a length that is cut off', '04 82 01'],
    ['the length that is reserved', '04 ff 00'],
    ['an integer of no bytes', '02 00'],
    ['a string in parts', '24 03 04 01 01'],
    ['a text in parts', '2c 03 0c 01 61'],
    ['an integer in parts', '22 03 02 01 01'],
    ['a sequence that is made of nothing', '10 00'],
    ['a set that is made of nothing', '11 00'],
    ['what ends an indefinite length', '00 00'],
    ['an integer with a zero too many', '02 02 00 7f'],
    ['a negative integer with an octet too many', '02 02 ff 80'],
    ['33 levels', Array.from({ length: 33 }, (_, i) => `30 ${(2 * (32 - i)).toString(16).padStart(2, '0')}`).join('')],
  ])('%s', (_what, text) => {
    expect(() => readDer(hex(text))).toThrow(expect.objectContaining({ code: 'X509_MALFORMED' }))
  })

  test('a tag number above 30', () => {
    expect(() => readDer(hex('1f 1f 00'))).toThrow(expect.objectContaining({ code: 'X509_UNSUPPORTED' }))
  })

  test('more than 64 KiB', () => {
    expect(() => readDer(writeDer({ tag: 0x04, bytes: new Uint8Array(65_536) }))).toThrow('too long')
  })
})

test.each(['02 01 00', '02 01 80', '02 02 00 80', '02 02 ff 7f', '82 02 00 01', '30 00', '05 00'])('%s is der', (text) => {
  expect(writeDer(readDer(hex(text)))).toEqual(hex(text))
})

test.each([['bytes', hex('04 01 07')], ['a Buffer, of which a slice is no copy,', Buffer.from('040107', 'hex')]])('what was read of %s does not change with them', (_what, bytes) => {
  const read = readDer(bytes)
  bytes.fill(0)
  expect(read).toEqual({ tag: 0x04, bytes: Uint8Array.of(7) })
})
