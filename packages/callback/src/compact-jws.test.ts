import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseCompactJws } from './compact-jws.ts'
import { segment } from './testing/documents.ts'

const HEADER = segment({ alg: 'ES256' })

test('the three segments come apart, and what is signed is the text before the last dot', () => {
  const jws = parseCompactJws(`${HEADER}.${segment('payload')}.AQID`)
  expect(jws?.header.get('alg')).toBe('ES256')
  expect(Buffer.from(jws?.payload ?? []).toString()).toBe('payload')
  expect(jws?.signature).toEqual(new Uint8Array([1, 2, 3]))
  expect(Buffer.from(jws?.signed ?? []).toString()).toBe(`${HEADER}.${segment('payload')}`)
})

test.each([
  ['nothing', ''],
  ['two segments', `${HEADER}.e30`],
  ['four segments', `${HEADER}.e30.AQID.AQID`],
  ['an empty payload', `${HEADER}..AQID`],
  ['an empty signature', `${HEADER}.e30.`],
  ['padding', `${HEADER}.e30=.AQID`],
  ['the other alphabet', `${HEADER}.e30.+/+/`],
  ['a blank in front', ` ${HEADER}.e30.AQID`],
  ['a line break at the end', `${HEADER}.e30.AQID\n`],
  ['spare bits that are not zero', `${HEADER}.e31.AQID`],
  ['a length that no bytes have', `${HEADER}.e30.AQIDA`],
  ['a header that is no object', `${segment('"x"')}.e30.AQID`],
  ['more than anyone needs', `${HEADER}.${'A'.repeat(10_000)}.AQID`],
  ['ten megabytes', 'A'.repeat(10_000_000)],
  ['JSON serialization', JSON.stringify({ payload: 'e30', protected: HEADER, signature: 'AQID' })],
])('%s is no compact jws', (_name, text) => {
  expect(parseCompactJws(text)).toBeUndefined()
})

test('no text makes it throw', () => {
  const text = fc.string({ unit: fc.constantFrom(...Array.from('eyJhbGciOiJFUzI1NiJ9._-=+/{} \n')) })
  fc.assert(fc.property(fc.oneof(text, fc.string()), (it) => void parseCompactJws(it)), { numRuns: 2_000 })
})
