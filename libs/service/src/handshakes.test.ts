import { connect as connectPlain } from 'node:net'
import { connect, type ConnectionOptions } from 'node:tls'
import { createRequestIds, systemClock } from '@pallas/runtime'
import { memoryLog, testMetrics } from '@pallas/runtime/testing'
import { TestCa } from '@pallas/x509/testing'
import { beforeAll, expect, test } from 'vitest'
import { createServer, openTlsFiles, serve } from './index.ts'
import { handshakeFailureOf } from './handshakes.ts'
import { tlsDirectory } from './testing/index.ts'

const HOUR = 3_600_000
const CALLER = { commonName: 'caller' }

let ca: TestCa
beforeAll(async () => {
  ca = await TestCa.create()
})

/** A server that counts handshakes which fail, and how one connects to it. */
async function open() {
  await using scope = new AsyncDisposableStack()
  const { log } = memoryLog()
  const metrics = testMetrics()
  const files = scope.use(await tlsDirectory(ca, { commonName: 'server', ip: ['127.0.0.1'] }))
  const tls = scope.use(await openTlsFiles({ ...files, ca: { files: [files.caFile] }, log, clock: systemClock }))
  const limits = { handshakeTimeoutMs: 50 }
  const app = createServer({ log, clock: systemClock, requestIds: createRequestIds(), bodyLimit: 10, tls, metrics, limits })
  const { url } = scope.use(await serve(app, { listen: { host: '127.0.0.1', port: 0 }, graceMs: 0, clock: systemClock }))
  const port = Number(new URL(url).port)
  const parts = scope.move()
  return { port, metrics, [Symbol.asyncDispose]: () => parts.disposeAsync() }
}

/** Resolves when the connection has ended, for whatever reason. */
const ended = (socket: ReturnType<typeof connectPlain>) =>
  new Promise<void>((resolve) => void socket.on('error', () => {}).once('close', () => resolve()).resume())

const tlsTo = (port: number, more: ConnectionOptions) =>
  ended(connect({ host: '127.0.0.1', port, ca: ca.certPem, ...more }))

function hangUp(port: number): Promise<void> {
  const socket = connectPlain({ host: '127.0.0.1', port }, () => void socket.destroy())
  return ended(socket)
}

const pairOf = async (by: TestCa, more: { notBefore?: number; lifeMs?: number } = {}) => {
  const { keyPem, certPem } = await by.issue({ ...CALLER, ...more })
  return { key: keyPem, cert: certPem }
}

test.each<[string, (port: number) => Promise<void>]>([
  ['no-certificate', (port) => tlsTo(port, {})],
  ['untrusted', async (port) => tlsTo(port, await pairOf(await TestCa.create({ name: 'other' })))],
  ['expired', async (port) => tlsTo(port, await pairOf(ca, { notBefore: systemClock.now() - 2 * HOUR, lifeMs: HOUR }))],
  ['protocol', async (port) => tlsTo(port, { ...(await pairOf(ca)), maxVersion: 'TLSv1.2' })],
  ['protocol', (port) => ended(connectPlain({ host: '127.0.0.1', port }).end('GET / HTTP/1.1\r\n\r\n'))],
  ['timeout', (port) => ended(connectPlain({ host: '127.0.0.1', port }))],
  ['aborted', hangUp],
])('a handshake that fails is counted by its class: %s (W28)', async (reason, attempt) => {
  await using it = await open()
  await attempt(it.port)
  await expect.poll(() => it.metrics.value('tls_handshake_failures_total', { reason }), { timeout: 5_000 }).toBe(1)
  expect(await it.metrics.value('tls_handshake_failures_total')).toBe(1)
})

test.each([
  ['ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', 'refused-us'],
  ['ERR_SSL_SSL/TLS_ALERT_BAD_CERTIFICATE', 'refused-us'],
  ['ERR_SSL_SSL/TLS_ALERT_CERTIFICATE_EXPIRED', 'refused-us'],
  ['ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION', 'protocol'],
  ['EPIPE', 'aborted'],
])('what the library calls %s is %s', (code, reason) => {
  expect(handshakeFailureOf({ code }, {})).toBe(reason)
})
