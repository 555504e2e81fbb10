import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { documentAlgorithmOf, formatKeyId, formatKeyUri, parseKeyId } from './document.ts'

const keyName = fc.record({
  name: fc.stringMatching(/^[a-z0-9]([a-z0-9._-]{0,20}[a-z0-9])?$/),
  version: fc.nat(999_999_999),
})

test('every key name survives the trip to its id and back', () => {
  fc.assert(
    fc.property(keyName, (name) => {
      expect(parseKeyId(formatKeyId(name))).toEqual(name)
    }),
  )
})

test('text that is a key id is the only text of that name', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[a-z.]{1,6}\.v0{0,2}[0-9]{1,3}$/), (text) => {
      const name = parseKeyId(text)
      if (name !== undefined) expect(formatKeyId(name)).toBe(text)
    }),
    { numRuns: 1_000 },
  )
})

test('an id names a file and, in the original way, a secret (C6)', () => {
  const name = { name: 'athenz-init-secret', version: 10 }
  expect(formatKeyId(name)).toBe('athenz-init-secret.v10')
  expect(formatKeyUri(name)).toBe('secret:athenz-init-secret?version=v10')
  expect(parseKeyId('a.v1.v2')).toEqual({ name: 'a.v1', version: 2 })
})

test.each([
  '',
  'name',
  'name.v',
  'name.v01',
  'name.v-1',
  'name.v1 ',
  'name.v1\n',
  'name.V1',
  'name.v1e3',
  'name.v1.5',
  'name.v9999999999',
  '.v1',
  '..v1',
  '../name.v1',
  'a/name.v1',
  '..data',
  'na\0me.v1',
  `${'a'.repeat(254)}.v1`,
])('%j is no key id', (text) => {
  expect(parseKeyId(text)).toBeUndefined()
})

test.each([
  ['p-256', 'ec', { namedCurve: 'prime256v1' }, 'ES256'],
  ['p-384', 'ec', { namedCurve: 'secp384r1' }, undefined],
  ['rsa of 2048 bits', 'rsa', { modulusLength: 2_048 }, 'RS256'],
  ['rsa of 1024 bits', 'rsa', { modulusLength: 1_024 }, undefined],
  ['rsa of 16384 bits', 'rsa', { modulusLength: 16_384 }, undefined],
  ['rsa-pss', 'rsa-pss', { modulusLength: 2_048 }, undefined],
  ['ed25519', 'ed25519', {}, undefined],
  ['nothing', undefined, undefined, undefined],
])('a key of kind %s signs documents with its one algorithm or not at all', (_kind, type, details, algorithm) => {
  const traits = {
    ...(type === undefined ? {} : { asymmetricKeyType: type }),
    ...(details === undefined ? {} : { asymmetricKeyDetails: details }),
  }
  expect(documentAlgorithmOf(traits)).toBe(algorithm)
})
