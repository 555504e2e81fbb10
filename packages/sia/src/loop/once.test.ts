import { HostError } from '@pallas/host'
import { expect, test } from 'vitest'
import { askZts, openPod, type Pod } from '../testing/pod.ts'
import { runSiaOn } from '../testing/run.ts'
import { NAMES, refusal } from '../testing/test-agent.ts'
import { ztsError } from '../testing/test-zts.ts'

const HOUR = 3_600_000
const READER = 'media.on-air:role.reader'
const SERVES = 'nothing new could be had, what is there still serves'

async function initialised(...argv: readonly string[]): Promise<Pod> {
  const pod = await openPod()
  const now = pod.host.clock.now() / 1_000
  pod.agent.ntoken = `v=S1;d=media.on-air;n=web;a=00;t=${now};e=${now + 7_200};k=0;z=zts;s=AA--`
  pod.zts.roles.set(READER, [NAMES.commonName])
  pod.zts.tokenLifeMs = HOUR
  await runSiaOn(pod, ['--mode=init', ...argv]).done
  return pod
}

async function again(pod: Pod, ...argv: readonly string[]) {
  const { failed } = runSiaOn(pod, ['--mode=init', ...argv])
  await pod.host.clock.advance(60_000)
  return failed
}

test('an init that is run again in an outage ends well over a set that serves, and says so (W30, W31, T17, T28)', async () => {
  const pod = await initialised()
  const before = await pod.read('/tls/service.cert')
  pod.agent.willRefuse('ISSUER_UNAVAILABLE', { times: 999 })
  expect(await again(pod)).toBeUndefined()
  expect(pod.said(SERVES)).toBe(1)
  expect(await pod.read('/tls/service.cert')).toBe(before)
})

test.each<[string, (pod: Pod) => unknown, string?]>([
  ['there is nothing', async (pod) => pod.host.files.unlink('/tls/..data')],
  ['the pod has another address now', (pod) => void (pod.agent.names = { ...NAMES, ip: ['10.9.9.9'] })],
  ['the pod is another service now', (pod) => void (pod.agent.names = { ...NAMES, commonName: 'media.on-air.other' })],
  ['the certificate has expired', (pod) => pod.host.clock.jump(25 * HOUR)],
  ['the certificate is not valid yet', (pod) => pod.host.clock.jump(-24 * HOUR)],
  ['the key is gone', async (pod) => removeFrom(pod, '/tls', 'service.key')],
  ['the N-token has expired', (pod) => pod.host.clock.jump(2 * HOUR)],
  ['the agent attests nobody', (pod) => pod.host.machine.peers.clear(), 'AGENT_UNAVAILABLE'],
])('it ends as unavailable when %s', async (_name, spoil, code = 'ISSUER_UNAVAILABLE') => {
  const pod = await initialised()
  await spoil(pod)
  pod.agent.willRefuse('ISSUER_UNAVAILABLE', { times: 999 })
  expect(await again(pod)).toMatchObject({ code, kind: 'unavailable' })
  expect(pod.said(SERVES)).toBe(0)
})

test('a denial is no outage, whatever is on disk', async () => {
  const pod = await initialised()
  pod.agent.willRefuse('POD_ENDED')
  expect(await again(pod)).toMatchObject({ code: 'POD_ENDED', kind: 'denied' })
})

test('an agent of the original form, which knows no names, ends no outage', async () => {
  const pod = await initialised('--key-origin=agent')
  const { handler } = pod.agent
  pod.host.machine.peers.set('unix:/identity/connect/agent.sock', async (request) =>
    request.path.startsWith('/v1/names/') ? { status: 404, headers: {}, body: '404 page not found\n' } : handler(request),
  )
  pod.agent.willAnswer(...Array.from({ length: 999 }, () => () => refusal('ISSUER_UNAVAILABLE')))
  expect(await again(pod, '--key-origin=agent')).toMatchObject({ code: 'ISSUER_UNAVAILABLE' })
})

const MORE = [...askZts, `--target-domain-roles=${READER}`, '--rolecert-dir=/roles', '--token-dir=/out']

test.each([
  ['role certificate and token are there', () => Promise.resolve(), undefined],
  ['the role certificate is gone', (pod: Pod) => pod.host.files.unlink('/roles/..data'), 'ISSUER_UNAVAILABLE'],
  ['the token is gone', (pod: Pod) => pod.host.files.unlink('/out/..data'), 'ISSUER_UNAVAILABLE'],
  ['the token has expired', async (pod: Pod) => pod.host.clock.jump(1.5 * HOUR), 'ISSUER_UNAVAILABLE'],
])('everything that is asked for counts: %s', async (_name, spoil, code) => {
  const pod = await initialised(...MORE)
  await spoil(pod)
  pod.zts.instead.push(...Array(999).fill(ztsError(503, 'down')))
  const error = await again(pod, ...MORE)
  if (code === undefined) expect(error).toBeUndefined()
  else expect(error).toMatchObject({ code })
})

test('a run that was stopped is none that ended well', async () => {
  const pod = await initialised()
  pod.agent.willRefuse('ISSUER_UNAVAILABLE', { times: 999 })
  const { failed, stopped } = runSiaOn(pod, ['--mode=init'])
  await pod.host.clock.advance(5_000)
  await stopped().catch(() => undefined)
  expect(await failed).toBeDefined()
  expect(pod.said(SERVES)).toBe(0)
})

test('a crash after the issue and before the files costs one more issue, and no more (T17)', async () => {
  const pod = await openPod()
  pod.host.faults.failWhen(({ call }) => (call === 'files.rename' ? new HostError('HOST_IO', 'crash') : undefined))
  const { failed } = runSiaOn(pod, ['--mode=init', '--init-timeout=1s'])
  await pod.host.clock.advance(1_000)
  expect(await failed).toMatchObject({ code: 'HOST_IO' })
  pod.host.faults.reset()
  expect(await again(pod)).toBeUndefined()
  expect(pod.agent.asked).toBe(2)
})

test('a random time before the beginning ends with the program', async () => {
  const pod = await openPod()
  pod.host.clock.willDraw(0.5)
  const late = runSiaOn(pod, ['--mode=init', '--delay-jitter-seconds=60'])
  await pod.host.clock.advance(29_999)
  expect(pod.agent.calls).toEqual([])
  await pod.host.clock.advance(1)
  await late.done
  const init = runSiaOn(pod, ['--mode=init', '--delay-jitter-seconds=60'])
  await expect(init.stopped()).rejects.toBeDefined()
  await runSiaOn(pod, ['--mode=refresh', '--delay-jitter-seconds=60']).stopped()
  expect(pod.agent.asked).toBe(1)
})

/** Makes a generation without one file the current one. */
async function removeFrom({ host: { files } }: Pod, directory: string, name: string): Promise<void> {
  await files.unlink(`${directory}/${await files.readlink(`${directory}/..data`)}/${name}`)
}
