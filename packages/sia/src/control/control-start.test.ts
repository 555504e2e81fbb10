import { readSettings } from '@pallas/config/testing'
import type { HttpResponse } from '@pallas/host'
import { parseNToken } from '@pallas/identity'
import { readCertificates, readCsr } from '@pallas/x509'
import { nodeKey, TestCa } from '@pallas/x509/testing'
import { expect, test } from 'vitest'
import { controlProgram } from './control-settings.ts'
import { startControlSia } from './control-start.ts'
import { clusterConfig, type ControlPlane, openControlPlane } from '../testing/control-plane.ts'
import { running } from '../testing/run.ts'
import { ztsError } from '../testing/test-zts.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const CERT = '/var/tls/athenz/public/service.cert'

const run = (plane: ControlPlane, ...argv: readonly string[]) => {
  const env = { NAMESPACE: 'k8s-admin', ACCOUNT: 'athenz-callback' }
  return running((signal) => startControlSia(readSettings(controlProgram, { argv, env }), plane, signal))
}

const busyWith = (answer: HttpResponse) => async (plane: ControlPlane) => {
  for (let n = 0; n < 99; n++) plane.zts.instead.push(answer)
}

const chainOf = async (plane: ControlPlane) => readCertificates(await plane.read(CERT))
const tokenOf = async (plane: ControlPlane) => parseNToken(await plane.read('/tokens/ntoken'))?.claims

test.each(['ec-p256', 'rsa'] as const)('init gets a certificate for the %s key and signs a token', async (algorithm) => {
  const plane = await openControlPlane(algorithm)
  await run(plane, '--mode=init').done
  const [leaf, root, ...more] = await chainOf(plane)
  expect(leaf).toMatchObject({
    commonName: 'k8s.admin.athenz-callback',
    names: { dns: ['athenz-callback.k8s-admin.svc.cluster.local'], uri: ['spiffe://k8s.admin/sa/athenz-callback'], ip: [] },
  })
  expect([leaf?.spki.toHex(), root?.isCa, more.length]).toEqual([plane.key.spki.toHex(), true, 0])
  expect(readCertificates(await plane.read('/var/tls/athenz/public/ca.cert'))).toEqual([root])
  const now = plane.host.clock.now() / 1_000
  const times = { issuedAt: now, expiresAt: now + 3_600 }
  expect(await tokenOf(plane)).toMatchObject({ domain: 'k8s.admin', service: 'athenz-callback', keyId: 'v1', ...times })
})

test('what is asked of ZTS: a csr of the key, a life in minutes, the token in the configured header', async () => {
  const plane = await openControlPlane()
  await run(plane, '--mode=init').done
  const [request] = plane.zts.requests
  expect(request).toMatchObject({ method: 'POST', path: '/zts/v1/instance/k8s.admin/athenz-callback/refresh' })
  expect(parseNToken(request?.headers?.['Athenz-Principal-Auth'] ?? '')?.claims.keyId).toBe('v1')
  const { csr, ...rest } = JSON.parse(request?.body ?? '')
  expect(rest).toEqual({ expiryTime: 7 * 24 * 60 })
  expect(readCsr(csr).spki.toHex()).toBe(plane.key.spki.toHex())
})

test('blank outputs are not written', async () => {
  const plane = await openControlPlane()
  await run(plane, '--mode=init', '--out-ca-cert=', '--out-ntoken=').done
  expect(await plane.host.files.stat('/var/tls/athenz/public/ca.cert')).toBeUndefined()
  expect(await plane.host.files.stat('/tokens')).toBeUndefined()
})

test.each([
  ['no version', (plane: ControlPlane) => plane.host.files.unlink('/var/tls/athenz/private/..data'), 'SIGNING_KEY_UNAVAILABLE'],
  ['a version that is none', (plane: ControlPlane) => plane.mountKey(plane.key, 'v1;s=x'), 'SIGNING_KEY_UNAVAILABLE'],
  ['a key that is none', (plane: ControlPlane) => plane.mountKey({ ...plane.key, pem: 'x' }, 'v1'), 'SIGNING_KEY_UNAVAILABLE'],
  ['a version that ZTS does not know yet', (plane: ControlPlane) => plane.mountKey(plane.key, 'v2'), 'ISSUER_DENIED'],
  ['a key that ZTS does not know yet', (plane: ControlPlane) => plane.mountKey(nodeKey(), 'v1'), 'ISSUER_DENIED'],
  ['a ZTS that is busy', busyWith(ztsError(429, 'slow')), 'ISSUER_UNAVAILABLE'],
  ['a page of some proxy', busyWith({ status: 403, headers: {}, body: '<html>' }), 'ISSUER_UNAVAILABLE'],
  ['nobody at the other end', async (plane: ControlPlane) => plane.host.machine.peers.clear(), 'ISSUER_UNAVAILABLE'],
])('%s is tried again, and is what init fails with in the end (T48)', async (_name, spoil, code) => {
  const plane = await openControlPlane()
  await spoil(plane)
  const { failed } = run(plane, '--mode=init', '--init-timeout=30s')
  await plane.host.clock.advance(30_000)
  expect(await failed).toMatchObject({ code })
  expect(plane.lines.length).toBeGreaterThan(3)
  expect(await plane.host.files.stat('/var/tls/athenz/public')).toBeUndefined()
})

test('the roots of the configuration count, not those that come with the answer (T16)', async () => {
  const plane = await openControlPlane()
  const stranger = await TestCa.create({ now: plane.host.clock.now() })
  plane.host.machine.peers.set('tls:zts.example:4443', async ({ body = '' }) => {
    const { certPem } = await stranger.sign(JSON.parse(body).csr, { lifeMs: HOUR, notBefore: plane.host.clock.now() })
    return { status: 200, headers: {}, body: JSON.stringify({ certificate: certPem, caCertBundle: stranger.certPem }) }
  })
  const { failed } = run(plane, '--mode=init', '--init-timeout=30s')
  await plane.host.clock.advance(30_000)
  expect(await failed).toMatchObject({ code: 'UPSTREAM_INVALID_CERT', fields: { part: 'chain' } })
  expect(await plane.host.files.stat('/var/tls/athenz/public')).toBeUndefined()
})

test('a ZTS that asks to come back next week is asked again within the next two hours (T33)', async () => {
  const plane = await openControlPlane()
  plane.zts.instead.push(ztsError(503, 'maintenance', { 'retry-after': '604800' }))
  const { stopped } = run(plane, '--mode=refresh')
  await plane.host.clock.advance(2 * 3_600_000)
  expect(plane.zts.requests).toHaveLength(2)
  await stopped()
})

test('a key that ZTS learns of late is certified late (T48)', async () => {
  const plane = await openControlPlane()
  plane.zts.keys.clear()
  const { done } = run(plane, '--mode=init')
  await plane.host.clock.advance(20_000)
  plane.zts.keys.set('v1', plane.key.spki)
  await plane.host.clock.advance(10_000)
  await done
})

test('a 403 of ZTS is final', async () => {
  const plane = await openControlPlane()
  plane.zts.instead.push(ztsError(403, 'Forbidden'))
  expect(await run(plane, '--mode=init').failed).toMatchObject({ code: 'ISSUER_DENIED', kind: 'denied' })
  expect(plane.zts.requests).toHaveLength(1)
})

test('a namespace that stands for no domain of its own is denied before ZTS is asked', async () => {
  const plane = await openControlPlane()
  const { failed } = run(plane, '--mode=init', '--namespace=k8s-admin-kube--system')
  expect(await failed).toMatchObject({ code: 'NAMESPACE_REFUSED', kind: 'denied' })
  expect(plane.zts.requests).toHaveLength(0)
})

test('a configuration that cannot be used is told as settings are', async () => {
  const plane = await openControlPlane()
  await plane.host.files.unlink('/var/cluster/config.yaml')
  await plane.host.files.create('/var/cluster/config.yaml', new TextEncoder().encode('dns-suffix: 7\n'), 0o644)
  expect(await run(plane, '--mode=init').failed).toMatchObject({ code: 'CONFIG_INVALID' })
})

/** As a mounted ConfigMap changes: the file is another one at once. */
async function configure(plane: ControlPlane, text: string): Promise<void> {
  await plane.host.files.create('/var/cluster/next', new TextEncoder().encode(text), 0o644)
  await plane.host.files.rename('/var/cluster/next', '/var/cluster/config.yaml')
}

test('roots that change while it runs are followed, those of ZTS and those of services; half a file changes nothing (T32)', async () => {
  const plane = await openControlPlane()
  const next = await TestCa.create({ now: plane.host.clock.now() })
  const { stopped } = run(plane, '--mode=refresh', '--out-ntoken=')
  await plane.host.clock.advance(0)
  const [first] = await chainOf(plane)
  const asked: (string | undefined)[] = []
  plane.host.machine.peers.set('tls:zts.example:4443', async ({ to, body = '' }) => {
    asked.push(to.kind === 'tls' ? to.caPem : undefined)
    const { certPem } = await next.sign(JSON.parse(body).csr, { lifeMs: HOUR, notBefore: plane.host.clock.now() })
    return { status: 200, headers: {}, body: JSON.stringify({ certificate: certPem, caCertBundle: next.certPem }) }
  })
  await configure(plane, 'trust-roots:\n')
  await plane.host.clock.advance(20 * HOUR)
  expect(plane.lines).toContainEqual(expect.objectContaining({ msg: 'new configuration cannot be used, keeping the old' }))
  expect((await chainOf(plane))[0]?.serial).toBe(first?.serial)
  await configure(plane, clusterConfig(next.certPem, 'https://zts.example:4443/zts/v1'))
  await plane.host.clock.advance(2 * HOUR)
  expect((await chainOf(plane))[1]).toEqual(readCertificates(next.certPem)[0])
  expect(asked.at(-1)?.trim()).toBe(next.certPem.trim())
  expect(asked[0]?.trim()).not.toBe(next.certPem.trim())
  await stopped()
})

test('refresh signs the token anew at half of its life and the certificate at half of its own', async () => {
  const plane = await openControlPlane()
  const { stopped } = run(plane, '--mode=refresh')
  await plane.host.clock.advance(0)
  const [leaf] = await chainOf(plane)
  for (let hour = 1; hour <= 11; hour++) {
    await plane.host.clock.advance(HOUR)
    const left = ((await tokenOf(plane))?.expiresAt ?? 0) * 1_000 - plane.host.clock.now()
    expect(left).toBeGreaterThan(25 * MINUTE)
  }
  expect((await chainOf(plane))[0]?.serial).toBe(leaf?.serial)
  await plane.host.clock.advance(2 * HOUR)
  expect((await chainOf(plane))[0]?.serial).not.toBe(leaf?.serial)
  expect(plane.zts.requests).toHaveLength(2)
  await stopped()
})

test('a token that shares the directory of the certificate changes alone', async () => {
  const plane = await openControlPlane()
  const out = ['--out-ntoken=/out/ntoken', '--out-cert=/out/cert', '--out-ca-cert=/out/ca']
  const { stopped } = run(plane, '--mode=refresh', ...out)
  await plane.host.clock.advance(0)
  const [cert, token] = [await plane.read('/out/cert'), await plane.read('/out/ntoken')]
  await plane.host.clock.advance(2 * HOUR)
  expect(await plane.read('/out/cert')).toBe(cert)
  expect(await plane.read('/out/ca')).not.toBe('')
  expect(await plane.read('/out/ntoken')).not.toBe(token)
  await stopped()
})

test('a key that is rotated under its feet is certified within about a minute, and signs the token (T48)', async () => {
  const plane = await openControlPlane()
  const { stopped } = run(plane, '--mode=refresh')
  await plane.host.clock.advance(5 * MINUTE)
  const next = nodeKey()
  plane.zts.keys.set('v2', next.spki)
  await plane.mountKey(next, 'v2')
  await plane.host.clock.advance(2 * MINUTE)
  expect((await chainOf(plane))[0]?.spki.toHex()).toBe(next.spki.toHex())
  expect((await tokenOf(plane))?.keyId).toBe('v2')
  await stopped()
})

test('refresh lives through anything: no key, a denial, a bad certificate (T48)', async () => {
  const plane = await openControlPlane()
  await plane.host.files.unlink('/var/tls/athenz/private/..data')
  const { stopped } = run(plane, '--mode=refresh')
  await plane.host.clock.advance(10 * MINUTE)
  await plane.mountKey(plane.key, 'v1')
  plane.zts.instead.push(ztsError(403, 'Forbidden'), {
    status: 200,
    headers: {},
    body: JSON.stringify({ certificate: 'nonsense', caCertBundle: '' }),
  })
  await plane.host.clock.advance(20 * MINUTE)
  expect(await chainOf(plane)).toHaveLength(2)
  await stopped()
})

test('refresh leaves a certificate alone that is still good, though its token has expired', async () => {
  const plane = await openControlPlane()
  await run(plane, '--mode=init').done
  plane.host.clock.jump(2 * HOUR)
  const { stopped } = run(plane, '--mode=refresh')
  await plane.host.clock.advance(3 * HOUR)
  expect(plane.zts.requests).toHaveLength(1)
  await stopped()
})

const outOf = (n: number) => [`--out-ntoken=/${n}/ntoken`, `--out-cert=/${n}/cert`, `--out-ca-cert=/${n}/ca`]

test('two pods of one service at the same time both get their certificate (T48)', async () => {
  const plane = await openControlPlane()
  await Promise.all([1, 2].map((n) => run(plane, '--mode=init', ...outOf(n)).done))
  const serials = await Promise.all([1, 2].map(async (n) => readCertificates(await plane.read(`/${n}/cert`))[0]?.serial))
  expect(new Set(serials).size).toBe(2)
  const again = run(plane, '--mode=refresh', ...outOf(1))
  await plane.host.clock.advance(20 * HOUR)
  expect(plane.lines.filter(({ level }) => level !== 'info')).toEqual([])
  await again.stopped()
})
