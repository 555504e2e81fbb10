import { X509Certificate } from 'node:crypto'
import { expect, test } from 'vitest'
import { createCsr, readCertificate, readCsr, verifyCsr, checkChain, readCertificates } from './index.ts'
import { nodeKey, nodeVerify, TestCa } from './testing/index.ts'
test('smoke', async () => {
  const ca = await TestCa.create()
  const mid = await TestCa.create({ issuer: ca, name: 'mid' })
  const key = nodeKey()
  const csr = await createCsr({ commonName: 'a.b', dns: ['x.y'], ip: ['10.0.0.1', '::1'], uri: ['spiffe://a/sa/b'] }, key)
  expect(await verifyCsr(readCsr(csr), nodeVerify)).toBe(true)
  const { certPem, serial } = await mid.sign(csr, { lifeMs: 1000 })
  const leaf = readCertificate(certPem)
  expect(new X509Certificate(certPem).serialNumber).toBe(serial)
  await checkChain({ leaf, bundle: readCertificates(mid.chainPem), now: leaf.notBefore, verify: nodeVerify })
})
