import { expect, test } from 'vitest'
import { createCsr, readCsr } from './csr.ts'
import { csrDiffers, sameNames } from './same-names.ts'
import { nodeKey } from './testing/node-keys.ts'

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

test('a request for these names and nothing else does not differ', async () => {
  const csr = readCsr(await createCsr(wanted, nodeKey()))
  expect(csrDiffers(csr, wanted)).toBeUndefined()
  const unit = { oid: '2.5.4.11', value: 'unit' }
  expect(csrDiffers({ ...csr, subject: [...csr.subject, unit] }, wanted)).toBe('subject')
  expect(csrDiffers({ ...csr, otherExtensions: ['2.5.29.19'] }, wanted)).toBe('other')
  expect(csrDiffers({ ...csr, otherAttributes: ['1.2.3'] }, wanted)).toBe('other')
  expect(csrDiffers(csr, { ...wanted, ip: [] })).toBe('ip')
})
