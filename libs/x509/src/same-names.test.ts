import { expect, test } from 'vitest'
import { sameNames } from './same-names.ts'

const wanted = { commonName: 'a.b', dns: ['x', 'y'], ip: ['10.0.0.1'], uri: ['spiffe://a/sa/b'] }
const found = { ...wanted, email: [], other: 0 }

test('names in another order are the same', () => {
  expect(sameNames({ ...found, dns: ['y', 'x'] }, wanted)).toBeUndefined()
})

test.each([
  ['the common name is another', { commonName: 'a.c' }, 'subject'],
  ['the common name differs in case', { commonName: 'A.b' }, 'subject'],
  ['there is no common name', { commonName: undefined }, 'subject'],
  ['a dns name is missing', { dns: ['x'] }, 'dns'],
  ['a dns name is there twice', { dns: ['x', 'x'] }, 'dns'],
  ['a dns name is there twice besides the others', { dns: ['x', 'y', 'y'] }, 'dns'],
  ['a dns name is too many', { dns: ['x', 'y', 'z'] }, 'dns'],
  ['a wildcard stands for it', { dns: ['x', '*'] }, 'dns'],
  ['there is no address', { ip: [] }, 'ip'],
  ['a uri is another', { uri: ['spiffe://a/sa/c'] }, 'uri'],
  ['there is an e-mail address', { email: ['a@b'] }, 'other'],
  ['there is a name of another kind', { other: 1 }, 'other'],
])('it is told when %s', (_what, other, field) => {
  expect(sameNames({ ...found, ...other }, wanted)).toBe(field)
})

test('e-mail addresses count only where they are wanted, and then they must be the same', () => {
  const role = { ...wanted, email: ['a.b@zts.athenz.cloud'] }
  expect(sameNames({ ...found, email: ['a.b@zts.athenz.cloud'] }, role)).toBeUndefined()
  expect(sameNames(found, role)).toBe('other')
  expect(sameNames({ ...found, email: ['a.c@zts.athenz.cloud'] }, role)).toBe('other')
})
