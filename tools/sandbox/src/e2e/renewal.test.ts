import { readdirSync, readFileSync } from 'node:fs'
import { connect } from 'node:tls'
import { readCertificates } from '@pallas/x509'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { PodObject } from '../kubelet/objects.ts'
import { logOf } from '../pod-control.ts'
import { controlIdentity } from '../programs.ts'
import { type ClusterUnderTest, credentialsOf, eventually, launch, openCluster, request, serialOf } from './open-cluster.ts'

let it: ClusterUnderTest
let web: PodObject

beforeAll(async () => {
  it = await openCluster({ refreshInterval: '1s' })
  web = await launch(it.cluster, request('web-0'))
})
afterAll(() => it[Symbol.asyncDispose]())

/** Waits for a certificate with another serial than this one. */
const renewed = (than: string) =>
  eventually('a renewed certificate', () => {
    const serial = serialOf(it.cluster, web)
    return serial === than ? undefined : serial
  })

test('a renewal brings a new key and certificate, and keeps few generations before it (W31)', async () => {
  const before = credentialsOf(it.cluster, web)
  const first = serialOf(it.cluster, web)
  await renewed(await renewed(first))
  const after = credentialsOf(it.cluster, web)
  expect(after.key).not.toBe(before.key)
  const generations = readdirSync(after.dir).filter((name) => name.startsWith('..') && name !== '..data')
  // Ten that readers may have pinned within the last minute, the new one, one that is being written.
  expect(generations.length).toBeLessThanOrEqual(12)
})

test('every renewal is a register with a fresh document, asked of the callback', async () => {
  await renewed(serialOf(it.cluster, web))
  const calls = it.cluster.zts.calls().filter(({ domain }) => domain === 'shop')
  expect(calls.length).toBeGreaterThan(1)
  expect(new Set(calls.map(({ operation }) => operation))).toEqual(new Set(['register']))
  expect(calls.every(({ callback, status }) => callback?.status === 200 && status === 201)).toBe(true)
})

test('the agent may crash: after its restart the same pod is served again', async () => {
  await it.cluster.controlPlane.stop('identity-agent', 'kill')
  const before = serialOf(it.cluster, web)
  await new Promise((resolve) => setTimeout(resolve, 1_500))
  expect(serialOf(it.cluster, web)).toBe(before)
  await it.cluster.controlPlane.start('identity-agent')
  await renewed(before)
})

test('while ZTS is away the old credentials stay, and renewals go on when it is back (W30)', async () => {
  it.cluster.zts.faults.away()
  const refused = () => it.logs.filter(({ program, record }) => program === 'identity-agent' && record['reason'] === 'ISSUER_UNAVAILABLE').length
  const earlier = refused()
  const before = serialOf(it.cluster, web)
  await eventually('a renewal that finds nobody', () => (refused() > earlier ? true : undefined))
  expect(serialOf(it.cluster, web)).toBe(before)
  it.cluster.zts.faults.reset()
  await renewed(before)
})

test('ZTS answers with the certificate of other names: it is never published (T16)', async () => {
  it.cluster.zts.faults.wrongCertificate('names')
  const before = serialOf(it.cluster, web)
  await eventually('the agent to see through it', () =>
    it.logs.some(({ record }) => record['reason'] === 'UPSTREAM_INVALID_CERT') ? true : undefined,
  )
  expect(serialOf(it.cluster, web)).toBe(before)
  it.cluster.zts.faults.reset()
  await renewed(before)
})

test('the refresher says in its log what it did, and nothing secret', async () => {
  const serial = serialOf(it.cluster, web)
  const log = await eventually('the serial in the log', async () => {
    const text = await logOf(it.cluster, { namespace: 'shop', name: 'web-0' }, 'sia-refresh')
    return text.includes(serial) ? text : undefined
  })
  expect(log).not.toContain('PRIVATE KEY')
})

test('the control plane renews its own identities, and serves with the new ones without a restart (W30)', async () => {
  const { ports, context, pki } = it.cluster
  const { cert } = controlIdentity(context, 'athenz-callback')
  const onDisk = () => readCertificates(readFileSync(cert, 'utf8'))[0]?.serial
  const before = onDisk()
  const serial = await eventually('a renewed certificate of the callback', () => (onDisk() === before ? undefined : onDisk()))
  expect(serial).not.toBe(before)
  await eventually('the callback to serve with a certificate issued since', async () => {
    const served = await servedSerial(ports.callback, pki.ztsServer)
    return served === before ? undefined : served
  })
  await renewed(serialOf(it.cluster, web))
})

/** Serial of the certificate that a server shows to a client it knows. */
function servedSerial(port: number, { keyPem, certPem }: { keyPem: string; certPem: string }): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const socket = connect({ host: '127.0.0.1', port, key: keyPem, cert: certPem, rejectUnauthorized: false })
  socket.once('secureConnect', () => resolve(socket.getPeerCertificate().serialNumber))
  socket.on('error', reject)
  return promise.finally(() => socket.destroy())
}
