import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseFlatObject } from './flat-json.ts'

const parse = (text: string) => parseFlatObject(Buffer.from(text))

test('members are read with their escapes, blanks between tokens are fine', () => {
  const text = String.raw`{ "a" : "xA\n\"" ,` + '\n\t"b":-12,"é":""}'
  expect([...(parse(text) ?? [])]).toEqual([['a', 'xA\n"'], ['b', -12], ['é', '']])
})

test('whatever a serializer makes of texts and whole numbers is read back', () => {
  const text = fc.string({ unit: 'grapheme' })
  const flat = fc.dictionary(
    text.filter((key) => key !== '__proto__'),
    fc.oneof(text, fc.maxSafeInteger()),
    { minKeys: 1 },
  )
  fc.assert(
    fc.property(flat, (value) => {
      expect(Object.fromEntries(parse(JSON.stringify(value)) ?? [])).toEqual({ ...value })
    }),
  )
})

test('arbitrary bytes are an object or none, and where they are one a generic parser agrees', () => {
  const pieces = fc.constantFrom(
    '{',
    '}',
    '"a"',
    '"b"',
    ':',
    ',',
    '1',
    '"',
    '\\',
    'u0041',
    '__proto__',
    '[',
    ']',
    ' ',
    '-',
    '0',
    'e',
  )
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 12 }), (parts) => {
      const read = parse(parts.join(''))
      if (read !== undefined) expect(Object.fromEntries(read)).toEqual(JSON.parse(parts.join('')))
    }),
    { numRuns: 2_000 },
  )
})

test.each([
  ['nothing', ''],
  ['an empty object', '{}'],
  ['an array', '["a"]'],
  ['a text', '"a"'],
  ['a member said twice', '{"a":1,"a":1}'],
  ['a member said twice in two spellings', String.raw`{"a":1,"\u0061":2}`],
  ['__proto__', '{"__proto__":1}'],
  ['__proto__ in disguise', String.raw`{"\u005f_proto__":"x"}`],
  ['a nested object', '{"a":{"b":1}}'],
  ['an array as value', '{"aud":["k8s-athenz-identity"]}'],
  ['depth that exhausts a recursive parser', `{"a":${'['.repeat(100_000)}`],
  ['true', '{"a":true}'],
  ['null', '{"a":null}'],
  ['a fraction', '{"a":1.5}'],
  ['an exponent', '{"a":1e9}'],
  ['a number that loses digits', '{"a":9007199254740993}'],
  ['a leading zero', '{"a":01}'],
  ['a trailing comma', '{"a":1,}'],
  ['a missing comma', '{"a":1 "b":2}'],
  ['something after the end', '{"a":1} '],
  ['something before the start', ' {"a":1}'],
  ['a raw line break in a text', '{"a":"x\ny"}'],
  ['an escape that is none', String.raw`{"a":"\x41"}`],
  ['half a surrogate pair', String.raw`{"a":"\ud800"}`],
  ['a text that does not end', '{"a":"x'],
])('%s is no flat object', (_name, text) => {
  expect(parse(text)).toBeUndefined()
})

test('bytes that are not utf-8, and a byte order mark, are no flat object', () => {
  expect(parseFlatObject(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]))).toBeUndefined()
  expect(parse('\u{feff}{"a":1}')).toBeUndefined()
})
