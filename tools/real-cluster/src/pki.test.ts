import { X509Certificate } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { clusterAt } from './layout.ts'
import { writePki } from './pki.ts'

const state = mkdtempSync(`${tmpdir()}/pki-`)
beforeAll(() => writePki(clusterAt(state)))
afterAll(() => rmSync(state, { recursive: true }))

const certificate = (name: string) => new X509Certificate(readFileSync(join(state, 'pki', `${name}.crt`)))

test.each([
  ['apiserver', 'kube-apiserver', '10.96.0.1'],
  ['kubelet', 'system:node:pallas-node', '10.77.0.1'],
])('%s serves at its address with a certificate of the cluster', (name, commonName, address) => {
  const it = certificate(name)
  expect(it.verify(certificate('ca').publicKey)).toBe(true)
  expect(it.checkIP(address)).toBe(address)
  expect(it.subject).toContain(`CN=${commonName}`)
})

test.each([
  ['admin', 'O=system:masters'],
  ['node', 'O=system:nodes'],
])('%s is of the group that may do what it does', (name, group) => {
  expect(certificate(name).subject).toContain(group)
})

test('a kubeconfig holds all that it needs, and is for its owner only', () => {
  const file = join(state, 'admin.kubeconfig')
  const { clusters, users } = JSON.parse(readFileSync(file, 'utf8'))
  expect(clusters[0].cluster.server).toBe('https://10.96.0.1:443')
  expect(new X509Certificate(Buffer.from(users[0].user['client-certificate-data'], 'base64')).subject).toContain('CN=admin')
  expect(statSync(file).mode & 0o077).toBe(0)
  expect(statSync(join(state, 'pki/ca.key')).mode & 0o077).toBe(0)
})
