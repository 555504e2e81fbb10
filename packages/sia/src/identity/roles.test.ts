import { HostError } from '@pallas/host'
import { readCertificates } from '@pallas/x509'
import { nodeKeyOf, TestCa } from '@pallas/x509/testing'
import { createPrivateKey } from 'node:crypto'
import { expect, test } from 'vitest'
import { askZts, openPod, type Pod } from '../testing/pod.ts'
import { runSiaOn } from '../testing/run.ts'
import { NAMES } from '../testing/test-agent.ts'
import { ztsError } from '../testing/test-zts.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const READER = 'media.on-air:role.reader'
const WRITER = 'media.on-air:role.writer'
const ROLES = [...askZts, `--target-domain-roles=${READER},${WRITER}`, '--rolecert-dir=/roles', '--rolecert-key-file-output']

async function openMember(members: readonly string[] = [READER, WRITER]): Promise<Pod> {
  const pod = await openPod()
  for (const role of members) pod.zts.roles.set(role, [NAMES.commonName])
  return pod
}

const leafAt = async (pod: Pod, path: string) => readCertificates(await pod.read(path))[0]
const spkiOf = (pem: string) => nodeKeyOf(createPrivateKey(pem)).spki.toHex()
const isThere = async (pod: Pod, role: string) => (await pod.host.files.stat(`/roles/${role}.cert.pem`)) !== undefined
const askedFor = (pod: Pod, path: string) => pod.zts.requests.filter((it) => it.path === path).length

test.each(['pod', 'agent'])('role certificates are for the key of the service, made by the %s, and carry its names', async (origin) => {
  const pod = await openMember()
  await runSiaOn(pod, ['--mode=init', `--key-origin=${origin}`, ...ROLES]).done
  const key = await pod.read('/tls/service.key')
  const role = await leafAt(pod, `/roles/${READER}.cert.pem`)
  expect(role).toMatchObject({
    commonName: READER,
    names: {
      dns: [NAMES.dns[0]],
      ip: NAMES.ip,
      uri: ['spiffe://media.on-air/ra/reader', `athenz://principal/${NAMES.commonName}`],
      other: 0,
    },
  })
  expect(role?.spki.toHex()).toBe(spkiOf(key))
  expect(await pod.read(`/roles/${READER}.key.pem`)).toBe(key)
  const at = await pod.host.files.readlink('/roles/..data')
  expect((await pod.host.files.stat(`/roles/${at}/${READER}.key.pem`))?.mode).toBe(0o600)
  expect(pod.zts.requests.every(({ to }) => to.kind === 'tls' && to.client?.keyPem === key)).toBe(true)
})

test('a role certificate lives about as long as the service, and the renewal is that of the shortest', async () => {
  const pod = await openMember([READER])
  pod.zts.roleLifeMs = 4 * HOUR
  const argv = [...askZts, `--target-domain-roles=${READER}`, '--rolecert-dir=/roles']
  const { stopped } = runSiaOn(pod, ['--mode=refresh', ...argv])
  await pod.host.clock.advance(3.1 * HOUR)
  expect(pod.agent.asked).toBe(2)
  expect(JSON.parse(pod.zts.requests[0]?.body ?? '')).toMatchObject({ expiryTime: 24 * 60 + 5 })
  expect((await leafAt(pod, `/roles/${READER}.cert.pem`))?.spki.toHex()).toBe(spkiOf(await pod.read('/tls/service.key')))
  await stopped()
})

test('intermediates of ZTS stand behind each role certificate', async () => {
  const pod = await openMember()
  await runSiaOn(pod, ['--mode=init', ...ROLES, '--intermediate-cert-bundle=athenz']).done
  expect(readCertificates(await pod.read(`/roles/${WRITER}.cert.pem`)).map((it) => it.isCa)).toEqual([false, true])
  expect(askedFor(pod, '/zts/v1/cacerts/athenz')).toBe(1)
})

test('files may be named by a format instead', async () => {
  const pod = await openMember()
  const named = ['--role-cert-naming-format=/r/{{domain}}/{{role}}{{delimiter}}c', '--role-cert-key-naming-format=/r/{{domain}}/{{role}}.k']
  const argv = [...askZts, `--target-domain-roles=${READER}`, '--role-cert-filename-delimiter=_', ...named]
  await runSiaOn(pod, ['--mode=init', ...argv]).done
  expect((await leafAt(pod, '/r/media.on-air/reader_c'))?.commonName).toBe(READER)
  expect(await pod.read('/r/media.on-air/reader.k')).toBe(await pod.read('/tls/service.key'))
})

test('a domain without a role is no role certificate', async () => {
  const pod = await openMember()
  await runSiaOn(pod, ['--mode=init', ...askZts, `--target-domain-roles=media.on-air,${READER}`, '--rolecert-dir=/roles']).done
  expect(askedFor(pod, '/zts/v1/rolecert')).toBe(1)
})

test('in init a role that is denied is final, and nothing is put in place', async () => {
  const pod = await openMember([READER])
  expect(await runSiaOn(pod, ['--mode=init', ...ROLES]).failed).toMatchObject({
    code: 'ISSUER_DENIED',
    fields: { status: 403 },
  })
  expect(await pod.host.files.list('/tls')).toEqual([])
  expect(pod.lines.filter(({ name }) => name === WRITER)).toEqual([expect.objectContaining({ reason: 'ISSUER_DENIED' })])
})

test('in init a ZTS that is silent is waited for, without a second identity, and is unavailable in the end', async () => {
  const pod = await openMember()
  for (let n = 0; n < 99; n++) pod.zts.instead.push(ztsError(503, 'busy'))
  const { failed } = runSiaOn(pod, ['--mode=init', ...ROLES])
  await pod.host.clock.advance(MINUTE)
  expect(await failed).toMatchObject({ code: 'ISSUER_UNAVAILABLE', kind: 'unavailable' })
  expect(pod.agent.asked).toBe(1)
  expect(await pod.host.files.list('/tls')).toEqual([])
})

test('one that comes late completes the set: one identity, one publication', async () => {
  const pod = await openMember()
  pod.zts.instead.push(ztsError(503, 'busy'), ztsError(429, 'slow'))
  const { done } = runSiaOn(pod, ['--mode=init', ...ROLES])
  await pod.host.clock.advance(10_000)
  await done
  expect([pod.agent.asked, pod.said('credentials published')]).toEqual([1, 1])
  expect([await isThere(pod, READER), await isThere(pod, WRITER)]).toEqual([true, true])
})

test('refresh with nothing yet puts in place what it has, and the role as soon as it is granted', async () => {
  const pod = await openMember([READER])
  const { stopped } = runSiaOn(pod, ['--mode=refresh', ...ROLES])
  await pod.host.clock.advance(0)
  expect(pod.said('credentials published without some role certificates')).toBe(1)
  expect([await isThere(pod, READER), await isThere(pod, WRITER)]).toEqual([true, false])
  const { serial } = (await leafAt(pod, '/tls/service.cert')) ?? {}
  pod.zts.roles.set(WRITER, [NAMES.commonName])
  await pod.host.clock.advance(5 * MINUTE)
  expect(await isThere(pod, WRITER)).toBe(true)
  expect((await leafAt(pod, '/tls/service.cert'))?.serial).toBe(serial)
  expect(pod.agent.asked).toBe(1)
  await stopped()
})

test('a role that is never granted costs the service nothing: it is renewed at half of its life all the same', async () => {
  const pod = await openMember([READER])
  const { stopped } = runSiaOn(pod, ['--mode=refresh', ...ROLES])
  await pod.host.clock.advance(11.9 * HOUR)
  expect(pod.agent.asked).toBe(1)
  // Ever more slowly: a fleet that lacks a role is no burden.
  expect(askedFor(pod, '/zts/v1/rolecert')).toBeLessThan(60)
  await pod.host.clock.advance(2 * HOUR)
  expect(pod.agent.asked).toBe(2)
  const renewed = await leafAt(pod, '/tls/service.cert')
  expect(renewed?.notBefore).toBeGreaterThan(pod.host.clock.now() - 2.1 * HOUR)
  expect((await leafAt(pod, `/roles/${READER}.cert.pem`))?.spki.toHex()).toBe(renewed?.spki.toHex())
  await stopped()
})

test('a role that was there and is denied leaves its readers within the hour of the renewal; the service does not wait for it', async () => {
  const pod = await openMember()
  await runSiaOn(pod, ['--mode=init', ...ROLES]).done
  const before = await leafAt(pod, '/tls/service.cert')
  pod.zts.roles.delete(WRITER)
  pod.host.clock.willDraw(0.5)
  const { stopped } = runSiaOn(pod, ['--mode=refresh', ...ROLES])
  await pod.host.clock.advance(12 * HOUR + 5 * MINUTE)
  expect(askedFor(pod, '/zts/v1/rolecert')).toBeGreaterThan(3)
  expect([(await leafAt(pod, '/tls/service.cert'))?.serial, await isThere(pod, WRITER)]).toEqual([before?.serial, true])
  await pod.host.clock.advance(55 * MINUTE)
  const after = await leafAt(pod, '/tls/service.cert')
  expect(after?.serial).not.toBe(before?.serial)
  expect([await isThere(pod, READER), await isThere(pod, WRITER)]).toEqual([true, false])
  await stopped()
})

test('the last role of a directory goes as well, and comes back when it is granted again', async () => {
  const pod = await openMember([READER])
  const argv = [...askZts, `--target-domain-roles=${READER}`, '--rolecert-dir=/roles']
  await runSiaOn(pod, ['--mode=init', ...argv]).done
  pod.zts.roles.delete(READER)
  const { stopped } = runSiaOn(pod, ['--mode=refresh', ...argv])
  await pod.host.clock.advance(20 * HOUR)
  expect(await isThere(pod, READER)).toBe(false)
  pod.zts.roles.set(READER, [NAMES.commonName])
  await pod.host.clock.advance(3 * HOUR)
  expect((await leafAt(pod, `/roles/${READER}.cert.pem`))?.spki.toHex()).toBe(spkiOf(await pod.read('/tls/service.key')))
  await stopped()
})

test.each([
  ['is silent', () => ztsError(503, 'busy')],
  ['does not know the domain yet', () => ztsError(404, 'no such domain')],
])('while a ZTS %s nothing is taken from readers until little of life is left; the service is not lost with it (T28)', async (_what, answer) => {
  const pod = await openMember()
  await runSiaOn(pod, ['--mode=init', ...ROLES]).done
  const before = await leafAt(pod, '/tls/service.cert')
  pod.zts.instead.push(...Array.from({ length: 9_999 }, answer))
  const { stopped } = runSiaOn(pod, ['--mode=refresh', ...ROLES])
  await pod.host.clock.advance(19 * HOUR)
  expect((await leafAt(pod, '/tls/service.cert'))?.serial).toBe(before?.serial)
  expect(await isThere(pod, WRITER)).toBe(true)
  await pod.host.clock.advance(2 * HOUR)
  const after = await leafAt(pod, '/tls/service.cert')
  expect(after?.serial).not.toBe(before?.serial)
  expect(after?.notAfter).toBeGreaterThan(pod.host.clock.now() + 12 * HOUR)
  expect(await isThere(pod, WRITER)).toBe(false)
  await stopped()
})

test.each<[string, (pod: Pod) => Promise<void>]>([
  ['of another authority', async (pod) => {
    const stranger = await TestCa.create({ now: pod.host.clock.now() })
    const { certPem } = await stranger.issue({ commonName: READER, notBefore: pod.host.clock.now() })
    for (let n = 0; n < 99; n++) pod.zts.instead.push({ status: 200, headers: {}, body: JSON.stringify({ x509Certificate: certPem }) })
  }],
  ['of another authority that came along (T16)', async (pod) => {
    const now = pod.host.clock.now()
    const stranger = await TestCa.create({ now })
    pod.host.machine.peers.set('tls:zts.example:4443', async ({ body = '' }) => {
      const { certPem } = await stranger.sign(JSON.parse(body).csr, { lifeMs: 24 * HOUR, notBefore: now })
      return { status: 200, headers: {}, body: JSON.stringify({ x509Certificate: certPem + stranger.certPem }) }
    })
  }],
  ['that is the page of a proxy', async (pod) => {
    for (let n = 0; n < 99; n++) pod.zts.instead.push({ status: 200, headers: {}, body: '<html>' })
  }],
])('a role certificate %s is never published (T16)', async (_name, spoil) => {
  const pod = await openMember()
  await spoil(pod)
  const { failed } = runSiaOn(pod, ['--mode=init', ...ROLES])
  await pod.host.clock.advance(MINUTE)
  expect(await failed).toMatchObject({ kind: 'unavailable' })
  expect(await pod.host.files.stat('/roles')).toBeUndefined()
})

test('a disk that is full for a while costs neither a second identity nor second role certificates', async () => {
  const pod = await openMember()
  const full = new HostError('HOST_IO', 'full', { errno: 'ENOSPC' })
  pod.host.faults.failWhen(({ call }) => (call === 'files.createOwn' ? full : undefined))
  const { done } = runSiaOn(pod, ['--mode=init', ...ROLES])
  await pod.host.clock.advance(3_000)
  pod.host.faults.reset()
  await pod.host.clock.advance(10_000)
  await done
  expect([pod.agent.asked, askedFor(pod, '/zts/v1/rolecert')]).toEqual([1, 2])
})

test('refresh leaves a whole set alone, and begins at once where a copy or a role is missing', async () => {
  const pod = await openMember()
  await runSiaOn(pod, ['--mode=init', ...ROLES]).done
  const same = runSiaOn(pod, ['--mode=refresh', ...ROLES])
  await pod.host.clock.advance(MINUTE)
  expect(pod.agent.asked).toBe(1)
  await same.stopped()
  const more = runSiaOn(pod, ['--mode=refresh', ...ROLES, '--out-key=/tls/service.key,/copy/key'])
  await pod.host.clock.advance(MINUTE)
  expect(pod.agent.asked).toBe(2)
  expect(await pod.read('/copy/key')).toBe(await pod.read('/tls/service.key'))
  await more.stopped()
})

test('the authorities of ZTS are read anew for each call', async () => {
  const pod = await openMember()
  await pod.host.files.unlink('/etc/athenz/ca.pem')
  const { done } = runSiaOn(pod, ['--mode=init', ...ROLES])
  await pod.host.clock.advance(5_000)
  expect(pod.zts.requests).toEqual([])
  await pod.host.files.create('/etc/athenz/ca.pem', new TextEncoder().encode(pod.ca.chainPem), 0o644)
  await pod.host.clock.advance(10_000)
  await done
  expect(pod.zts.requests.every(({ to }) => to.kind === 'tls' && to.caPem === pod.ca.chainPem)).toBe(true)
})
