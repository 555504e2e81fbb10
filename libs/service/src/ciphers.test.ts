import { once } from 'node:events'
import { connect } from 'node:tls'
import { createRequestIds, systemClock } from '@pallas/runtime'
import { memoryLog } from '@pallas/runtime/testing'
import { TestCa } from '@pallas/x509/testing'
import { expect, test } from 'vitest'
import { createServer, openTlsFiles, serve } from './index.ts'
import { tlsDirectory } from './testing/index.ts'

const ca = await TestCa.create()

/** What a server that speaks TLS 1.2 too agrees to with a caller that offers only this. */
async function agreedWith(ciphers: string): Promise<string | undefined> {
  await using files = await tlsDirectory(ca, { commonName: 'server', ip: ['127.0.0.1'] })
  const { log } = memoryLog()
  await using tls = await openTlsFiles({ ...files, ca: { files: [files.caFile] }, log, clock: systemClock })
  const requestIds = createRequestIds()
  const app = createServer({ log, clock: systemClock, requestIds, bodyLimit: 10, tls, minVersion: 'TLSv1.2' })
  await using served = await serve(app, { listen: { host: '127.0.0.1', port: 0 }, graceMs: 0, clock: systemClock })
  const { keyPem: key, certPem: cert } = await ca.issue({ commonName: 'caller' })
  const port = Number(new URL(served.url).port)
  const socket = connect({ host: '127.0.0.1', port, ca: ca.certPem, key, cert, maxVersion: 'TLSv1.2', ciphers })
  try {
    await once(socket, 'secureConnect')
    return socket.getCipher().standardName
  } catch {
    return undefined
  } finally {
    socket.destroy()
  }
}

test('TLS 1.2 is spoken with forward secrecy and authenticated ciphers, as ZTS offers them (W32)', async () => {
  expect(await agreedWith('ECDHE-ECDSA-AES128-GCM-SHA256')).toBe('TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256')
})

test.each(['ECDHE-ECDSA-AES128-SHA256', 'ECDHE-ECDSA-AES256-SHA'])(
  'the older %s is not (W32)',
  async (cipher) => expect(await agreedWith(cipher)).toBeUndefined(),
)
