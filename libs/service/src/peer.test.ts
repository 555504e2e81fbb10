import { generateKeyPairSync } from 'node:crypto'
import { createRequestIds, systemClock } from '@pallas/runtime'
import { memoryLog } from '@pallas/runtime/testing'
import { OID } from '@pallas/x509'
import { TestCa } from '@pallas/x509/testing'
import { Agent, request } from 'undici'
import { beforeAll, expect, test } from 'vitest'
import { type Allow, createServer, openTlsFiles, peerNamed, peerOf, serve } from './index.ts'
import { tlsDirectory } from './testing/index.ts'

const HOUR = 3_600_000
const NAME = 'k8s.admin.agent'

let ca: TestCa
beforeAll(async () => {
  ca = await TestCa.create()
})

/** A key and a certificate whose subject has these common names and a unit. */
async function pairNamed(commonNames: readonly string[]) {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const unit = { oid: OID.organizationalUnit, value: NAME }
  const subject = [unit, ...commonNames.map((value) => ({ oid: OID.commonName, value }))]
  const names = { dns: [NAME], ip: [], uri: [], email: [], other: 0 }
  const spki = publicKey.export({ type: 'spki', format: 'der' })
  const { certPem } = await ca.sign({ spki, subject, names }, { lifeMs: HOUR, notBefore: systemClock.now() - HOUR / 2 })
  return { key: privateKey.export({ type: 'pkcs8', format: 'pem' }), cert: certPem }
}

/** What a server that `allow` guards says to whoever has these common names. */
async function answerTo(commonNames: readonly string[], allow: Allow) {
  await using scope = new AsyncDisposableStack()
  const { log } = memoryLog()
  const clock = systemClock
  const files = scope.use(await tlsDirectory(ca, { commonName: 'server', ip: ['127.0.0.1'] }))
  const tls = scope.use(await openTlsFiles({ ...files, ca: { files: [files.caFile] }, log, clock }))
  const app = createServer({ log, clock, requestIds: createRequestIds(), bodyLimit: 1_000, tls, allow })
  app.get('/', async (it) => ({ names: peerOf(it)?.commonName ?? 'none' }))
  const { url } = scope.use(await serve(app, { listen: { host: '127.0.0.1', port: 0 }, graceMs: 100, clock }))
  const dispatcher = new Agent({ connect: { ca: ca.certPem, ...(await pairNamed(commonNames)) } })
  scope.defer(() => dispatcher.destroy())
  const { statusCode, body } = await request(url, { dispatcher })
  return { status: statusCode, body: await body.json() }
}

test('a peer with exactly the wanted common name is allowed', async () => {
  expect(await answerTo([NAME], peerNamed(NAME))).toEqual({ status: 200, body: { names: NAME } })
})

test.each([
  ['none', []],
  ['two', [NAME, 'k8s.admin.other']],
  ['the wanted one twice', [NAME, NAME]],
  ['another', ['k8s.admin.agen']],
])('a peer whose certificate has %s is not allowed', async (_name, commonNames) => {
  expect(await answerTo(commonNames, peerNamed(NAME))).toMatchObject({ status: 403, body: { code: 'CALLER_NOT_ALLOWED' } })
})

test.each([
  ['no common name', []],
  ['two common names', [NAME, 'k8s.admin.other']],
])('a peer with %s has none', async (_name, commonNames) => {
  expect(await answerTo(commonNames, () => undefined)).toEqual({ status: 200, body: { names: 'none' } })
})

test('nobody can be allowed by an empty name', () => {
  expect(() => peerNamed('')).toThrow('empty')
})
