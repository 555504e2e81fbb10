import { lstatSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readCertificate } from '@pallas/x509'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { SERVING, workload } from '../demo.ts'
import { isSidecar, type PodObject } from '../kubelet/objects.ts'
import { examplePod } from '../manifests.ts'
import { currentIsolation } from '../namespace.ts'
import { createPod, handleOf, isRunning, podIp, volumePath, waitForLog, waitForPod } from '../pod-control.ts'
import { type ClusterUnderTest, credentialsOf, launch, openCluster, openssl, request } from './open-cluster.ts'

let it: ClusterUnderTest
let web: PodObject

beforeAll(async () => {
  it = await openCluster()
  web = await launch(it.cluster, request('web-0'))
})
afterAll(() => it[Symbol.asyncDispose]())

const caFile = (): string => {
  const path = join(it.cluster.state.dir, 'ca.pem')
  writeFileSync(path, it.cluster.pki.athenzCa.chainPem)
  return path
}

test('an annotated pod gets the volume, an init container first and a native sidecar after it', () => {
  expect(web.spec.volumes?.[0]).toMatchObject({ name: 'sia-identity', flexVolume: { driver: 'athenz.kubernetes.io/athenz-volume-driver' } })
  expect(web.spec.initContainers?.map(({ name }) => name)).toEqual(['sia-init', 'sia-refresh'])
  expect(web.spec.initContainers?.map(isSidecar)).toEqual([false, true])
})

test('openssl accepts the certificate for both ends of a connection, and the key is its key', () => {
  const { dir } = credentialsOf(it.cluster, web)
  const cert = join(dir, 'service.cert')
  for (const purpose of ['sslclient', 'sslserver']) {
    expect(openssl('verify', '-purpose', purpose, '-CAfile', caFile(), cert)).toContain('OK')
  }
  expect(openssl('pkey', '-in', join(dir, 'service.key'), '-pubout')).toBe(openssl('x509', '-in', cert, '-noout', '-pubkey'))
})

test('subject and SANs are exactly those of the pod, with its UID as instance id (C7)', () => {
  const { commonName, names } = readCertificate(credentialsOf(it.cluster, web).cert)
  expect(commonName).toBe('shop.web')
  expect(names).toEqual({
    dns: ['web.shop.svc.cluster.local', `${web.metadata.uid}.instanceid.athenz.svc.cluster.local`],
    uri: ['spiffe://shop/sa/web'],
    ip: [podIp(web)],
    email: [],
    other: 0,
  })
})

test('the key is readable by its owner alone; what is public is readable by all (W17)', () => {
  const { dir } = credentialsOf(it.cluster, web)
  const mode = (name: string) => statSync(join(dir, name)).mode & 0o777
  expect([mode('service.key'), mode('service.cert'), mode('cacert.pem')]).toEqual([0o600, 0o644, 0o644])
  expect(lstatSync(join(dir, 'service.key')).isSymbolicLink()).toBe(true)
})

test('with fsGroup the key is readable by that group too, and by nobody else (T15, W17)', async () => {
  const pod = await launch(it.cluster, request('grouped-0', { fsGroup: process.getgid?.() ?? 0 }))
  expect(statSync(join(credentialsOf(it.cluster, pod).dir, 'service.key')).mode & 0o777).toBe(0o640)
})

test('the token is one that ZTS signed for the service', () => {
  const token = readFileSync(join(volumePath(it.cluster, web, 'ntoken'), 'ntoken'), 'utf8')
  expect(token).toMatch(/^v=S1;d=shop;n=web;.*;z=zts;s=[A-Za-z0-9._-]+$/)
})

test('no secret is in the pod, in its volume tree or in any log (T46)', async () => {
  const { key } = credentialsOf(it.cluster, web)
  const body = key.split('\n')[1] ?? ''
  const handle = await handleOf(it.cluster, web)
  const seen = [
    JSON.stringify(web),
    JSON.stringify(it.logs),
    ...['data.json', 'context.json', 'mount/id'].map((name) => readFileSync(join(it.cluster.state.volumes, handle, name), 'utf8')),
  ]
  expect(body.length).toBeGreaterThan(20)
  for (const text of seen) {
    expect(text).not.toContain(body)
    expect(text).not.toContain('PRIVATE KEY')
    expect(text).not.toMatch(/eyJ[A-Za-z0-9_-]{10,}\.eyJ/)
  }
})

test('one pod reaches another over mutual TLS, and each learns the right name', async () => {
  const orders = request('orders-0', { serviceAccount: 'orders' })
  await launch(it.cluster, orders)
  await waitForLog(it.cluster, request('web-0'), 'main', SERVING)
  const { exitCode, output } = await it.cluster.node.kubelet.exec(orders, 'main', ['node', workload('call'), '/tls', podIp(web), '8443'])
  expect({ exitCode, ...JSON.parse(output) }).toMatchObject({ exitCode: 0, server: 'shop.web', youAre: 'shop.orders' })
})

const tampering = [
  'rm -f /identity/connect/agent.sock',
  'mv /identity/connect/agent.sock /identity/connect/mine.sock',
  'ln -sf /tmp/mine.sock /identity/connect/agent.sock',
  'touch /identity/connect/mine.sock',
  'chmod 0777 /identity/connect',
  'echo forged > /identity/id',
  'echo forged > /identity/data.json',
]
test.runIf(currentIsolation(process.env) === 'mount-namespace').each(tampering)(
  'rule 3: root inside the pod cannot change its volume: %s',
  async (command) => {
    const { exitCode, output } = await it.cluster.node.kubelet.exec(request('web-0'), 'sia-refresh', ['sh', '-c', command])
    expect(exitCode).not.toBe(0)
    expect(output).toContain('Read-only file system')
  },
)

test('rule 3: the state of the agent is not in what the pod sees', async () => {
  const look = ['ls', '/identity', '/identity/connect']
  const { output } = await it.cluster.node.kubelet.exec(request('web-0'), 'sia-refresh', look)
  expect(output).toMatch(/agent\.sock/)
  expect(output).not.toMatch(/data\.json|context\.json/)
})

test('a pod without the annotation is left as it is', async () => {
  const pod = await createPod(it.cluster, request('plain-0', { identity: false }))
  expect(pod.spec.initContainers ?? []).toEqual([])
  expect(pod.spec.volumes?.map(({ name }) => name)).not.toContain('sia-identity')
})

test('the example of deploy/ gets an identity as it stands', async () => {
  const example = { namespace: 'shop', name: 'example' }
  await createPod(it.cluster, { namespace: 'shop', manifest: examplePod() })
  const pod = await waitForPod(it.cluster, example, isRunning)
  expect(readCertificate(credentialsOf(it.cluster, pod).cert).commonName).toBe('shop.web')
})

test('a namespace with dashes stands for its domain', async () => {
  const pod = await launch(it.cluster, request('player-0', { namespace: 'media-on--air', serviceAccount: 'player' }))
  const { commonName, names } = readCertificate(credentialsOf(it.cluster, pod).cert)
  expect(commonName).toBe('media.on-air.player')
  expect(names.dns[0]).toBe('player.media-on-air.svc.cluster.local')
})
