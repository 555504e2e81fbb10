/** A pod that asks for an identity has it before its application starts, with the right names, for the right eyes. */
import { lstatSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openssl, opensslClient } from '../openssl.ts'
import { isSidecar, podIpOf, type PodObject } from '../pod-object.ts'
import { certificateOf, createPod, credentialsOf, handleOf, launch, request, SERVING, SERVING_PORT, tokenOf, TRIGGER, waitForLog } from '../pods.ts'
import type { World } from '../world.ts'

const DRIVER = 'athenz.kubernetes.io/athenz-volume-driver'

export function describeLaunch(name: string, open: () => Promise<World>): void {
  describe(`${name}: the launch of a pod`, () => {
    let it: World
    let web: PodObject

    beforeAll(async () => {
      it = await open()
      web = await launch(it, request(it, 'web-0'))
    })
    afterAll(() => it[Symbol.asyncDispose]())

    servesTls(() => ({ it, web }))
    credentialsHeld(() => ({ it, web }))
    whoMayRead(() => ({ it, web }))
    podsAround(() => ({ it, web }))
  })
}

interface Scene {
  readonly it: World
  readonly web: PodObject
}

/** Keys of a pod's spec by which it would get a Secret. */
const SECRET_FIELD = /"(secret|secretName|secretRef|secretKeyRef|imagePullSecrets)":/

function servesTls(scene: () => Scene): void {
  test('a plain pod with the annotation and a Secret-free spec serves mutual TLS with a certificate that openssl verifies', async () => {
    const { it, web } = scene()
    expect(web.metadata.annotations?.[TRIGGER]).toBe('true')
    expect(JSON.stringify(web.spec)).not.toMatch(SECRET_FIELD)
    await waitForLog(it, web.metadata, 'main', SERVING)
    const { dir } = credentialsOf(it, web)
    using authority = fileOf(it.athenz.caPem)
    const trust = ['-CAfile', authority.path, '-verify_hostname', `web.shop.${it.athenz.dnsSuffix}`]
    const call = ['-connect', `${podIpOf(web)}:${SERVING_PORT}`, ...trust]
    const itself = ['-cert', join(dir, 'service.cert'), '-key', join(dir, 'service.key')]
    const hello = `GET / HTTP/1.1\r\nHost: web\r\nConnection: close\r\n\r\n`

    const known = await opensslClient(hello, ...call, ...itself)
    expect(known.isVerified, known.said).toBe(true)
    expect(known.said).toContain('{"youAre":"shop.web"}')

    const stranger = await opensslClient(hello, ...call)
    expect(stranger.said).not.toContain('youAre')
    const misled = await opensslClient(hello, ...call, ...itself, '-verify_hostname', `orders.shop.${it.athenz.dnsSuffix}`)
    expect(misled.isVerified, misled.said).toBe(false)
    expect(misled.said).not.toContain('youAre')
  })
}

function credentialsHeld(scene: () => Scene): void {
  test('an annotated pod gets the volume, an init container first and a native sidecar after it', () => {
    const { web } = scene()
    expect(web.spec.volumes?.[0]).toMatchObject({ name: 'sia-identity', flexVolume: { driver: DRIVER } })
    expect(web.spec.initContainers?.map(({ name }) => name)).toEqual(['sia-init', 'sia-refresh'])
    expect(web.spec.initContainers?.map(isSidecar)).toEqual([false, true])
  })

  test('openssl accepts the certificate for both ends of a connection, and the key is its key', () => {
    const { it, web } = scene()
    const { dir } = credentialsOf(it, web)
    const cert = join(dir, 'service.cert')
    using authority = fileOf(it.athenz.caPem)
    for (const purpose of ['sslclient', 'sslserver']) {
      expect(openssl('verify', '-purpose', purpose, '-CAfile', authority.path, cert)).toContain('OK')
    }
    expect(openssl('pkey', '-in', join(dir, 'service.key'), '-pubout')).toBe(openssl('x509', '-in', cert, '-noout', '-pubkey'))
  })

  test('subject and SANs are exactly those of the pod, with its UID as instance id (C7)', () => {
    const { it, web } = scene()
    const { commonName, names } = certificateOf(it, web)
    const { dnsSuffix } = it.athenz
    expect(commonName).toBe('shop.web')
    expect(names).toEqual({
      dns: [`web.shop.${dnsSuffix}`, `${web.metadata.uid}.instanceid.athenz.${dnsSuffix}`],
      uri: ['spiffe://shop/sa/web'],
      ip: [podIpOf(web)],
      email: [],
      other: 0,
    })
  })
}

function whoMayRead(scene: () => Scene): void {
  test('the key is readable by its owner alone; what is public is readable by all (W17)', () => {
    const { it, web } = scene()
    const { dir } = credentialsOf(it, web)
    const mode = (file: string) => statSync(join(dir, file)).mode & 0o777
    expect([mode('service.key'), mode('service.cert'), mode('cacert.pem')]).toEqual([0o600, 0o644, 0o644])
    expect(lstatSync(join(dir, 'service.key')).isSymbolicLink()).toBe(true)
  })

  test('with fsGroup the key is readable by that group too, and by nobody else (T15, W17)', async () => {
    const { it } = scene()
    const { fsGroup } = it.workloads
    const pod = await launch(it, request(it, 'grouped-0', { fsGroup }))
    const { mode, gid } = statSync(join(credentialsOf(it, pod).dir, 'service.key'))
    expect({ mode: mode & 0o777, gid }).toEqual({ mode: 0o640, gid: fsGroup })
  })

  test('the token is one that ZTS signed for the service', () => {
    const { it, web } = scene()
    expect(tokenOf(it, web)).toMatch(/^v=S1;d=shop;n=web;.*;z=zts;s=[A-Za-z0-9._-]+$/)
  })

  test('no secret is in the pod, in its volume tree or in any log (T46)', async () => {
    const { it, web } = scene()
    const body = credentialsOf(it, web).key.split('\n')[1] ?? ''
    const tree = join(it.node.volumesDir, handleOf(it, web))
    const seen = [
      JSON.stringify(web),
      JSON.stringify(await it.programs.records()),
      ...['data.json', 'context.json', 'mount/id'].map((file) => readFileSync(join(tree, file), 'utf8')),
    ]
    expect(body.length).toBeGreaterThan(20)
    for (const text of seen) {
      expect(text).not.toContain(body)
      expect(text).not.toContain('PRIVATE KEY')
      expect(text).not.toMatch(/eyJ[A-Za-z0-9_-]{10,}\.eyJ/)
    }
  })
}

function podsAround(scene: () => Scene): void {
  test('one pod reaches another over mutual TLS, and each learns the right name', async () => {
    const { it, web } = scene()
    const orders = request(it, 'orders-0', { serviceAccount: 'orders' })
    await launch(it, orders)
    await waitForLog(it, web.metadata, 'main', SERVING)
    const argv = [...it.workloads.command('call'), '/tls', podIpOf(web), String(SERVING_PORT)]
    const { exitCode, output } = await it.node.exec(orders, 'main', argv)
    expect({ exitCode, ...(JSON.parse(output) as object) }).toMatchObject({ exitCode: 0, server: 'shop.web', youAre: 'shop.orders' })
  })

  test.for([
    'rm -f /identity/connect/agent.sock',
    'mv /identity/connect/agent.sock /identity/connect/mine.sock',
    'ln -s /tmp/mine.sock /identity/connect/mine.sock',
    'touch /identity/connect/mine.sock',
    'chmod 0777 /identity/connect',
    'echo forged > /identity/id',
    'echo forged > /identity/data.json',
  ])('rule 3: root inside the pod cannot change its volume: %s', async (command, { skip }) => {
    const { it, web } = scene()
    if (!it.node.isolated) return skip('containers without a mount table see links')
    const { exitCode, output } = await it.node.exec(web.metadata, 'main', ['sh', '-c', command])
    expect(exitCode).not.toBe(0)
    expect(output).toContain('Read-only file system')
  })

  test('rule 3: the state of the agent is not in what the pod sees', async () => {
    const { it, web } = scene()
    const { output } = await it.node.exec(web.metadata, 'main', ['ls', '/identity', '/identity/connect'])
    expect(output).toMatch(/agent\.sock/)
    expect(output).not.toMatch(/data\.json|context\.json/)
  })

  test('a pod without the annotation is left as it is', async () => {
    const { it } = scene()
    const pod = await createPod(it, request(it, 'plain-0', { identity: false }))
    expect(pod.spec.initContainers ?? []).toEqual([])
    expect(pod.spec.volumes?.map(({ name }) => name)).not.toContain('sia-identity')
  })

  test('a namespace with dashes stands for its domain', async () => {
    const { it } = scene()
    const pod = await launch(it, request(it, 'player-0', { namespace: 'media-on--air', serviceAccount: 'player' }))
    const { commonName, names } = certificateOf(it, pod)
    expect(commonName).toBe('media.on-air.player')
    expect(names.dns[0]).toBe(`player.media-on-air.${it.athenz.dnsSuffix}`)
  })
}

function fileOf(text: string): Disposable & { readonly path: string } {
  const dir = mkdtempSync(join(tmpdir(), 'suite-'))
  const path = join(dir, 'text')
  writeFileSync(path, text)
  return { path, [Symbol.dispose]: () => rmSync(dir, { recursive: true }) }
}
