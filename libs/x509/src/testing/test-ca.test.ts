import { X509Certificate } from 'node:crypto'
import { expect, test } from 'vitest'
import { TestCa } from './test-ca.ts'

test('an authority that is opened again issues what the first one vouches for', async () => {
  const made = await TestCa.create({ name: 'Trial Athenz CA' })
  const { certPem } = await TestCa.open(made).issue({ commonName: 'shop.web' })
  const [leaf, root] = [new X509Certificate(certPem), new X509Certificate(made.certPem)]
  expect(leaf.checkIssued(root)).toBe(true)
  expect(leaf.verify(root.publicKey)).toBe(true)
})

test('an authority does not open with the key of another', async () => {
  const [one, other] = [await TestCa.create(), await TestCa.create()]
  expect(() => TestCa.open({ certPem: one.certPem, keyPem: other.keyPem })).toThrow('the key is not that of the certificate')
})
