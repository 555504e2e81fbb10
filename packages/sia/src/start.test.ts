import { HostError } from '@pallas/host'
import { readCertificate } from '@pallas/x509'
import { TestCa } from '@pallas/x509/testing'
import { expect, test } from 'vitest'
import { openPod, type Pod, SOCKET } from './testing/pod.ts'
import { runSiaOn } from './testing/run.ts'
import { NAMES } from './testing/test-agent.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE

const certOf = async (pod: Pod) => readCertificate(await pod.read('/tls/service.cert'))

test('init publishes key, certificate, authority and token, once, and is done', async () => {
  const pod = await openPod()
  await runSiaOn(pod, ['--mode=init', '--out-bundle=/tls/bundle.pem']).done
  expect(await certOf(pod)).toMatchObject({ commonName: NAMES.commonName })
  expect(await pod.read('/tokens/ntoken')).toBe(pod.agent.ntoken)
  expect(await pod.read('/tls/cacert.pem')).toBe(pod.ca.chainPem)
  const [key, cert] = await Promise.all([pod.read('/tls/service.key'), pod.read('/tls/service.cert')])
  expect(await pod.read('/tls/bundle.pem')).toBe(key + cert + pod.ca.chainPem)
  expect(pod.said('credentials published')).toBe(1)
})

test('init over credentials that are there issues anew and swaps (T17)', async () => {
  const pod = await openPod()
  await runSiaOn(pod, ['--mode=init']).done
  const { serial } = await certOf(pod)
  await runSiaOn(pod, ['--mode=init']).done
  expect((await certOf(pod)).serial).not.toBe(serial)
  expect(pod.agent.calls.filter((call) => call === 'init csr')).toHaveLength(2)
})

test('init tries again while something is unavailable, and keeps to the wait it is asked for', async () => {
  const pod = await openPod()
  pod.agent.willRefuse('POD_IP_PENDING', { times: 2, retryAfter: 7 })
  pod.host.clock.willDraw(0, 0)
  const { done } = runSiaOn(pod, ['--mode=init'])
  await pod.host.clock.advance(13_999)
  expect(pod.agent.asked).toBe(2)
  await pod.host.clock.advance(1)
  await done
  expect(pod.agent.asked).toBe(3)
})

test('init gives up when its time is over, with what stood in the way', async () => {
  const pod = await openPod()
  pod.agent.willRefuse('ISSUER_UNAVAILABLE', { times: 999 })
  const { failed } = runSiaOn(pod, ['--mode=init', '--init-timeout=20s'])
  await pod.host.clock.advance(20_000)
  expect(await failed).toMatchObject({ code: 'ISSUER_UNAVAILABLE', kind: 'unavailable' })
  expect(pod.host.clock.now() - Date.parse('2030-01-01T00:00:00Z')).toBe(20_000)
})

test('init takes a denial as final', async () => {
  const pod = await openPod()
  pod.agent.willRefuse('HANDLE_PEER_MISMATCH')
  expect(await runSiaOn(pod, ['--mode=init']).failed).toMatchObject({ code: 'HANDLE_PEER_MISMATCH', kind: 'denied' })
  expect(pod.agent.asked).toBe(1)
  expect(await pod.host.files.list('/tls')).toEqual([])
})

test('a disk that is full for a while costs no second certificate', async () => {
  const pod = await openPod()
  const full = new HostError('HOST_IO', 'full', { errno: 'ENOSPC' })
  pod.host.faults.failWhen(({ call }) => (call === 'files.createOwn' ? full : undefined))
  const { done } = runSiaOn(pod, ['--mode=init'])
  await pod.host.clock.advance(3_000)
  pod.host.faults.reset()
  await pod.host.clock.advance(10_000)
  await done
  expect(pod.agent.asked).toBe(1)
  expect(await certOf(pod)).toBeDefined()
})

test.each([
  ['the id file', '/identity/id'],
  ['the socket', SOCKET],
])('%s is waited for, and when it does not come that is unavailable', async (_name, path) => {
  const pod = await openPod()
  await pod.host.files.unlink(path)
  const { failed } = runSiaOn(pod, ['--mode=init', '--socket-timeout=5s'])
  await pod.host.clock.advance(5_100)
  expect(await failed).toMatchObject({ code: 'AGENT_UNAVAILABLE', fields: { path } })
  expect(pod.agent.calls).toEqual([])
})

test.each([
  ['late is found', 4_000, 100],
  ['but milliseconds late is found within as many more', 20, 20],
])('a socket that comes %s', async (_how, lateMs, withinMs) => {
  const pod = await openPod()
  await pod.host.files.unlink(SOCKET)
  const { done } = runSiaOn(pod, ['--mode=init'])
  await pod.host.clock.advance(lateMs)
  pod.host.machine.place(SOCKET, { kind: 'socket' })
  await pod.host.clock.advance(withinMs)
  await done
})

test('refresh takes over what init wrote, renews between a quarter and three quarters of life, then at about half (W30)', async () => {
  const pod = await openPod({ lifeMs: 24 * HOUR })
  await runSiaOn(pod, ['--mode=init']).done
  const { serial } = await certOf(pod)
  pod.host.clock.willDraw(0.999)
  const { stopped } = runSiaOn(pod, ['--mode=refresh'])
  await pod.host.clock.advance(17.9 * HOUR)
  expect((await certOf(pod)).serial).toBe(serial)
  await pod.host.clock.advance(0.2 * HOUR)
  expect(pod.agent.calls.at(-1)).toBe('refresh csr')
  const renewed = await certOf(pod)
  expect(renewed.serial).not.toBe(serial)
  await pod.host.clock.advance(renewed.notBefore + 12 * HOUR - pod.host.clock.now() - 1)
  expect((await certOf(pod)).serial).toBe(renewed.serial)
  await pod.host.clock.advance(1)
  expect((await certOf(pod)).serial).not.toBe(renewed.serial)
  await stopped()
})

test('refresh begins at once when there is nothing, and then asks as for the first time', async () => {
  const pod = await openPod()
  const { stopped } = runSiaOn(pod, ['--mode=refresh'])
  await pod.host.clock.advance(0)
  expect(pod.agent.calls).toEqual(['names', 'init csr'])
  expect(await certOf(pod)).toBeDefined()
  await stopped()
})

test.each([
  ['expired', (pod: Pod) => Promise.resolve(pod.host.clock.jump(48 * HOUR)), 'refresh csr'],
  ['half written by an older program', (pod: Pod) => pod.host.files.unlink('/tls/service.key'), 'refresh csr'],
  ['gone', (pod: Pod) => pod.host.files.unlink('/tls/service.cert'), 'init csr'],
  ["another user's", async (pod: Pod) => pod.host.machine.change('/tls/service.cert', { uid: 12_345 }), 'init csr'],
])('refresh begins at once when what is there is %s', async (_name, spoil, call) => {
  const pod = await openPod()
  await runSiaOn(pod, ['--mode=init']).done
  // Pinning readers use the generation: an older program's plain files have none.
  await plain(pod)
  await spoil(pod)
  const { stopped } = runSiaOn(pod, ['--mode=refresh'])
  await pod.host.clock.advance(0)
  expect(pod.agent.calls.at(-1)).toBe(call)
  expect((await certOf(pod)).notAfter).toBe(pod.host.clock.now() + 24 * HOUR)
  await stopped()
})

test.each<[string, number, (pod: Pod) => void]>([
  ['another name than the pod has now', 24 * HOUR, (pod) => void (pod.agent.names = { ...NAMES, ip: ['10.9.9.9'] })],
  ['a life of years', 9 * 365 * 24 * HOUR, (pod) => void (pod.agent.lifeMs = 24 * HOUR)],
])('refresh replaces at once what it finds with %s', async (_what, lifeMs, since) => {
  const pod = await openPod({ lifeMs })
  await runSiaOn(pod, ['--mode=init']).done
  const before = await pod.read('/tls/service.cert')
  since(pod)
  const { stopped } = runSiaOn(pod, ['--mode=refresh'])
  await pod.host.clock.advance(0)
  expect(await pod.read('/tls/service.cert')).not.toBe(before)
  await stopped()
})

test('refresh keeps what it finds while the agent tells no names', async () => {
  const pod = await openPod()
  await runSiaOn(pod, ['--mode=init']).done
  pod.host.machine.peers.clear()
  const { stopped } = runSiaOn(pod, ['--mode=refresh'])
  await pod.host.clock.advance(5 * HOUR)
  expect(pod.lines.filter(({ level }) => level === 'warn')).toEqual([])
  await stopped()
})

test('the token lives shorter than the certificate, so the set is renewed for it', async () => {
  const pod = await openPod({ lifeMs: 24 * HOUR })
  pod.agent.spoil = (it) => {
    const now = pod.host.clock.now() / 1_000
    return { ...it, ntoken: `v=S1;d=media;n=web;a=00;t=${now};e=${now + 7_200};k=0;z=zts;s=AA--` }
  }
  const { stopped } = runSiaOn(pod, ['--mode=refresh'])
  await pod.host.clock.advance(1.5 * HOUR + MINUTE)
  expect(pod.agent.asked).toBe(2)
  await stopped()
})

test('a refresh interval is an upper bound', async () => {
  const pod = await openPod({ lifeMs: 24 * HOUR })
  const { stopped } = runSiaOn(pod, ['--mode=refresh', '--refresh-interval=1h'])
  await pod.host.clock.advance(HOUR + MINUTE)
  expect(pod.agent.asked).toBe(2)
  await stopped()
})

test('the upper bound counts from the issue: certificates that begin an hour ago are not renewed every minute', async () => {
  const pod = await openPod({ lifeMs: 24 * HOUR })
  pod.agent.backdateMs = HOUR
  const { stopped } = runSiaOn(pod, ['--mode=refresh', '--refresh-interval=1h'])
  await pod.host.clock.advance(3 * HOUR)
  expect(pod.agent.asked).toBe(4)
  await stopped()
})

test('an outage longer than life keeps the old set in place, and the first answer ends it (W30, T28)', async () => {
  const pod = await openPod({ lifeMs: 2 * HOUR })
  const { stopped } = runSiaOn(pod, ['--mode=refresh'])
  await pod.host.clock.advance(0)
  const before = await certOf(pod)
  pod.agent.willAnswer(...Array.from({ length: 10_000 }, () => () => Promise.reject(new HostError('HOST_UNREACHABLE', 'down'))))
  await pod.host.clock.advance(5 * HOUR)
  expect((await certOf(pod)).serial).toBe(before.serial)
  expect(pod.said('renewal failed, the old credentials stay')).toBeGreaterThan(60)
  pod.agent.answerAgain()
  await pod.host.clock.advance(6 * MINUTE)
  expect((await certOf(pod)).serial).not.toBe(before.serial)
  await stopped()
})

test('a bad answer is never published: the old set stays and the good one after it comes (W24, T16)', async () => {
  const pod = await openPod({ lifeMs: 2 * HOUR })
  const { stopped } = runSiaOn(pod, ['--mode=refresh'])
  await pod.host.clock.advance(0)
  const before = await certOf(pod)
  const stranger = await TestCa.create({ now: pod.host.clock.now() })
  const bad = await stranger.issue({ ...NAMES, notBefore: pod.host.clock.now() })
  pod.agent.spoil = (it) => ({ ...it, certPem: bad.certPem })
  await pod.host.clock.advance(2 * HOUR)
  expect((await certOf(pod)).serial).toBe(before.serial)
  expect(JSON.stringify(pod.lines)).toContain('UPSTREAM_INVALID_CERT')
  pod.agent.spoil = (it) => it
  await pod.host.clock.advance(6 * MINUTE)
  expect((await certOf(pod)).serial).not.toBe(before.serial)
  await stopped()
})

test('a denial does not end refresh, which asks again slowly', async () => {
  const pod = await openPod()
  pod.agent.willRefuse('POD_UNKNOWN', { times: 3 })
  const { stopped } = runSiaOn(pod, ['--mode=refresh'])
  await pod.host.clock.advance(59_999)
  expect(pod.agent.asked).toBe(1)
  await pod.host.clock.advance(10 * MINUTE)
  expect(await certOf(pod)).toBeDefined()
  await stopped()
})

test.each(['init', 'refresh'])('in the original form %s works with the key of the agent', async (mode) => {
  const pod = await openPod()
  await runSiaOn(pod, ['--mode=init', '--key-origin=agent']).done
  const { stopped } = runSiaOn(pod, [`--mode=${mode}`, '--key-origin=agent'])
  await pod.host.clock.advance(20 * HOUR)
  expect(pod.agent.calls.filter((call) => call !== 'names').slice(0, 2)).toEqual(['init', mode === 'init' ? 'init' : 'refresh pair'])
  await stopped()
})

test('a stop is answered at once: while asleep, while waiting to try again, while the agent keeps silent', async () => {
  for (const prepare of [
    () => {},
    (pod: Pod) => pod.agent.willRefuse('ISSUER_UNAVAILABLE', { times: 99 }),
    (pod: Pod) => pod.agent.willAnswer(() => new Promise(() => {})),
  ]) {
    const pod = await openPod()
    prepare(pod)
    const { stopped } = runSiaOn(pod, ['--mode=refresh'])
    await pod.host.clock.advance(100)
    await stopped()
    expect(pod.said('stopped')).toBe(1)
  }
})

test('nothing secret is ever logged (W18, T46)', async () => {
  const pod = await openPod()
  pod.agent.willRefuse('ISSUER_UNAVAILABLE')
  const { done } = runSiaOn(pod, ['--mode=init', '--log-level=debug'])
  await pod.host.clock.advance(MINUTE)
  await done
  const logged = JSON.stringify(pod.lines)
  const secrets = [await pod.read('/tls/service.key'), pod.agent.ntoken, pod.agent.csrs[0] ?? 'none']
  for (const secret of secrets) expect(logged).not.toContain(secret.slice(30, 80))
})

/** The same files as an older program left them, without generations. */
async function plain({ host }: Pod): Promise<void> {
  for (const name of ['service.key', 'service.cert', 'cacert.pem']) {
    const bytes = await host.files.read(`/tls/${name}`, 1_000_000)
    await host.files.unlink(`/tls/${name}`)
    await host.files.create(`/tls/${name}`, bytes, 0o644)
  }
  await host.files.unlink('/tls/..data')
}
