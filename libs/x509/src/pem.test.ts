import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { fromPem, manyFromPem, toPem } from './pem.ts'

const der = Uint8Array.from({ length: 100 }, (_, i) => i)
const block = toPem('THING', der)
const MALFORMED = expect.objectContaining({ code: 'X509_MALFORMED' })

test('what is written is read', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 300 }), (bytes) => {
      expect(fromPem(toPem('THING', bytes), 'THING')).toEqual(bytes)
    }),
  )
})

test('lines are 64 characters, and windows line ends and blanks at line ends are no matter', () => {
  expect(block.split('\n').map((line) => line.length)).toEqual([21, 64, 64, 8, 19, 0])
  expect(fromPem(`\n${block.replaceAll('\n', ' \r\n')}\n`, 'THING')).toEqual(der)
})

test.each([
  ['is empty', ''],
  ['has another label', toPem('OTHER', der)],
  ['holds two blocks', block + block],
  ['has words before it', `words\n${block}`],
  ['has words after it', `${block}words`],
  ['has no end', block.replace(/-----END.*/, '')],
  ['ends as something else', block.replace('END THING', 'END OTHER')],
  ['has a header', block.replace('-----\n', '-----\nProc-Type: 4,ENCRYPTED\n\n')],
  ['has an empty line within', block.replace('\n', '\n\n')],
  ['holds nothing', '-----BEGIN THING-----\n-----END THING-----\n'],
  ['is cut within a quantum of base64', block.replace('==', '=')],
  ['is padded in the middle', block.replace('A', '=')],
  ['has bits set where none count', toPem('THING', der).replace('Yw==', 'Yx==')],
  ['uses the alphabet of urls', block.replace(/[A-Z]{2}/, '-_')],
  ['is longer than 1 MiB', `${block}${' '.repeat(1_048_576)}.`],
])('a text is refused when it %s', (_why, text) => {
  expect(() => fromPem(text, 'THING')).toThrow(MALFORMED)
})

test('a bundle is read block by block; comments between blocks are skipped', () => {
  expect(manyFromPem(`# one\n${block}\nsubject=/CN=two\n${toPem('THING', Uint8Array.of(1))}`, 'THING')).toEqual([
    der,
    Uint8Array.of(1),
  ])
})

test.each([
  ['holds no block', '# nothing here\n'],
  ['holds a block of another label, such as a key', block + toPem('PRIVATE KEY', der)],
  ['ends within a block', block + block.slice(0, 50)],
  ['has armour out of order', `-----END THING-----\n${block}`],
])('a bundle is refused when it %s', (_why, text) => {
  expect(() => manyFromPem(text, 'THING')).toThrow(MALFORMED)
})
