import { readFileSync } from 'node:fs'
import { connect } from 'node:tls'
import { eventually, renewed, serialOf } from '@pallas/suite'
import { describeRenewal, type RenewalScene } from '@pallas/suite/contract'
import { readCertificates } from '@pallas/x509'
import { expect, test } from 'vitest'
import { controlIdentity } from '../programs.ts'
import { type ClusterUnderTest, openCluster } from './open-cluster.ts'

describeRenewal('the sandbox', () => openCluster({ refreshInterval: '1s' }), renewalHere)

function renewalHere(scene: () => RenewalScene<ClusterUnderTest>): void {
  test('ZTS answers with the certificate of other names: it is never published (T16)', async () => {
    const { it, web } = scene()
    it.cluster.zts.faults.wrongCertificate('names')
    const before = serialOf(it, web)
    await eventually('the agent to see through it', () =>
      it.logs.some(({ record }) => record['reason'] === 'UPSTREAM_INVALID_CERT') ? true : undefined,
    )
    expect(serialOf(it, web)).toBe(before)
    it.cluster.zts.faults.reset()
    await renewed(it, web, before)
  })

  test('the control plane renews its own identities, and serves with the new ones without a restart (W30)', async () => {
    const { it, web } = scene()
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
    await renewed(it, web, serialOf(it, web))
  })
}

/** Serial of the certificate that a server shows to a client it knows. */
function servedSerial(port: number, { keyPem, certPem }: { keyPem: string; certPem: string }): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const socket = connect({ host: '127.0.0.1', port, key: keyPem, cert: certPem, rejectUnauthorized: false })
  socket.once('secureConnect', () => resolve(socket.getPeerCertificate().serialNumber))
  socket.on('error', reject)
  return promise.finally(() => socket.destroy())
}
