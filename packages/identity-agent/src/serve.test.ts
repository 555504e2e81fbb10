import { createPrivateKey, X509Certificate } from 'node:crypto'
import { existsSync } from 'node:fs'
import { createCsr } from '@pallas/x509'
import { nodeKey } from '@pallas/x509/testing'
import { expect, test } from 'vitest'
import { oneLivePod, pem, POD } from './testing/one-pod.ts'
import { PROVIDER } from './testing/world.ts'

test('names, then a csr: the caller keeps its key and gets a certificate for it (W16)', async () => {
  const { world, handle } = await oneLivePod()
  await using _world = world
  const names = await world.call(handle, 'names')
  expect(names).toMatchObject({
    status: 200,
    body: {
      commonName: 'media.on-air.web',
      dns: ['web.media-on-air.svc.cluster.local', `${POD.uid}.instanceid.athenz.svc.cluster.local`],
      ip: ['10.1.2.3'],
      uri: ['spiffe://media.on-air/sa/web'],
    },
  })

  const key = nodeKey()
  const csr = await createCsr(names.body as never, key)
  const reply = await world.call(handle, 'init', { body: { csr } })
  expect(reply.status).toBe(200)
  expect(Object.keys(reply.body).sort()).toEqual(['caCertPEM', 'certPEM', 'ntoken'])
  const cert = new X509Certificate(pem(reply.body['certPEM']))
  expect(cert.checkPrivateKey(key.object)).toBe(true)
  expect(cert.verify(new X509Certificate(pem(reply.body['caCertPEM'])).publicKey)).toBe(true)
  const request = { provider: PROVIDER, domain: 'media.on-air', service: 'web', token: true, expiryMinutes: 1_440 }
  expect(world.issuer.calls).toMatchObject([{ kind: 'register', request }])
})

test('the original form: no body, the agent makes the key, and the pair renews by a refresh at ZTS (C4, W24)', async () => {
  const { world, handle } = await oneLivePod()
  await using _world = world
  const first = await world.call(handle, 'init')
  expect(first.status).toBe(200)
  const key = createPrivateKey(pem(first.body['keyPEM']))
  expect(new X509Certificate(pem(first.body['certPEM'])).checkPrivateKey(key)).toBe(true)

  const { keyPEM, certPEM } = first.body
  const second = await world.call(handle, 'refresh', { body: { keyPEM, certPEM } })
  expect(second.status).toBe(200)
  expect(second.body['certPEM']).not.toBe(certPEM)
  expect(world.issuer.calls.map((it) => it.kind)).toEqual(['register', 'refresh'])
  expect(new Set(world.documents).size).toBe(2)
})

test('a stopped agent leaves no socket, and the next one serves the same volumes (W23)', async () => {
  const { world, handle } = await oneLivePod()
  await using _world = world
  await world.stopAgent()
  expect(existsSync(world.pathsOf(handle).socket)).toBe(false)
  await world.startAgent()
  expect((await world.call(handle, 'names')).status).toBe(200)
})
