import { generateKeyPairSync } from 'node:crypto'
import { createRequestIds, systemClock } from '@pallas/runtime'
import { memoryLog } from '@pallas/runtime/testing'
import { OID } from '@pallas/x509'
import { TestCa } from '@pallas/x509/testing'
import { Agent, request } from 'undici'
import { beforeAll, expect, test } from 'vitest'
import { type Allow, createRefusalEvents, createServer, openTlsFiles, peerNamed, peerOf, serve } from './index.ts'
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

/** What a server that `allow` guards says to whoever has these common names, each time with another certificate. */
async function answersTo(commonNames: readonly string[], allow: Allow, times: number) {
  await using scope = new AsyncDisposableStack()
  const { log, records } = memoryLog()
  const clock = systemClock
  const files = scope.use(await tlsDirectory(ca, { commonName: 'server', ip: ['127.0.0.1'] }))
  const tls = scope.use(await openTlsFiles({ ...files, ca: { files: [files.caFile] }, log, clock }))
  const events = scope.use(createRefusalEvents({ log, clock, count: () => {}, message: 'not done' }))
  const app = createServer({ log, clock, requestIds: createRequestIds(), bodyLimit: 1_000, tls, allow, tell: events.tell })
  app.get('/', async (it) => ({ names: peerOf(it)?.commonName ?? 'none' }))
  const { url } = scope.use(await serve(app, { listen: { host: '127.0.0.1', port: 0 }, graceMs: 100, clock }))
  const answers = []
  for (let n = 0; n < times; n++) {
    const dispatcher = new Agent({ connect: { ca: ca.certPem, ...(await pairNamed(commonNames)) } })
    scope.defer(() => dispatcher.destroy())
    const { statusCode, body } = await request(url, { dispatcher })
    answers.push({ status: statusCode, body: await body.json() })
  }
  return { answers, records }
}

const answerTo = async (commonNames: readonly string[], allow: Allow) => (await answersTo(commonNames, allow, 1)).answers[0]

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

test('each certificate that is not allowed is told of by serial, names and address, though they share a common name', async () => {
  const { records } = await answersTo([NAME], () => 'AGENT_REVOKED', 2)
  const refused = records.flatMap(({ reason, facts }) => (reason === 'AGENT_REVOKED' ? [facts] : []))
  const facts = { peer: NAME, dns: [NAME], serial: expect.stringMatching(/^[0-9A-F]+$/), address: '127.0.0.1' }
  expect(refused).toEqual([facts, facts])
})
