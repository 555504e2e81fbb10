/** What a clock that is wrong does to renewals, and what not: attacks.md T31. */
import { readCertificates } from '@pallas/x509'
import { expect, test } from 'vitest'
import { askZts, openPod, type Pod } from '../testing/pod.ts'
import { runSiaOn } from '../testing/run.ts'
import { NAMES } from '../testing/test-agent.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const YEAR = 365 * 24 * HOUR
const READER = 'media.on-air:role.reader'
const MORE = [...askZts, `--target-domain-roles=${READER}`, '--rolecert-dir=/roles', '--token-dir=/out']

const leafOf = async (pod: Pod) => readCertificates(await pod.read('/tls/service.cert'))[0]!

async function openRefresher() {
  const pod = await openPod()
  pod.zts.roles.set(READER, [NAMES.commonName])
  const { stopped } = runSiaOn(pod, ['--mode=refresh', ...MORE])
  await pod.host.clock.advance(0)
  return { pod, stopped, first: await leafOf(pod) }
}

/** The clock of the issuer goes right while that of the pod jumps. */
async function openWithIssuer() {
  const opened = await openRefresher()
  let offset = 0
  const { clock } = opened.pod.host
  const right = () => clock.now() - offset
  opened.pod.issuer.now = right
  const jump = (ms: number) => {
    offset += ms
    clock.jump(ms)
  }
  return { ...opened, jump }
}

test.each([
  ['an hour ahead', HOUR],
  ['an hour back', -HOUR],
])('a jump of %s, with everybody, is told, and renewals go on in order (T31)', async (_name, ms) => {
  const { pod, stopped, first } = await openRefresher()
  pod.host.clock.jump(ms)
  await pod.host.clock.advance(MINUTE)
  expect(pod.lines.filter(({ msg }) => msg === 'the clock jumped')).toEqual([expect.objectContaining({ jumpedMs: ms })])
  await pod.host.clock.advance(20 * HOUR)
  const serials = pod.lines.filter(({ msg }) => msg === 'credentials published').map(({ serial }) => serial)
  expect(serials.length).toBeGreaterThanOrEqual(2)
  expect((await leafOf(pod)).serial).not.toBe(first.serial)
  expect((await leafOf(pod)).notAfter).toBeGreaterThan(pod.host.clock.now())
  await stopped()
})

test.each([
  ['two years ahead', 2 * YEAR],
  ['two years back', -2 * YEAR],
])('a pod alone that is %s takes nothing that does not hold by its clock, and recovers when it is right again (T31)', async (_name, ms) => {
  const { pod, stopped, first, jump } = await openWithIssuer()
  jump(ms)
  await pod.host.clock.advance(24 * HOUR)
  expect((await leafOf(pod)).serial).toBe(first.serial)
  expect(pod.said('the clock jumped')).toBe(1)
  jump(-ms)
  await pod.host.clock.advance(10 * MINUTE)
  const now = await leafOf(pod)
  expect(now.serial).not.toBe(first.serial)
  expect(now.notAfter).toBeGreaterThan(pod.host.clock.now())
  await stopped()
})

test('after a suspension of fourteen hours what is due is renewed within two minutes (T31)', async () => {
  const { pod, stopped, first } = await openRefresher()
  pod.host.clock.jump(14 * HOUR)
  await pod.host.clock.advance(2 * MINUTE)
  const renewed = await leafOf(pod)
  expect(renewed.serial).not.toBe(first.serial)
  expect(pod.said('the clock jumped')).toBe(1)
  const role = readCertificates(await pod.read(`/roles/${READER}.cert.pem`))[0]
  expect(role?.spki).toEqual(renewed.spki)
  await stopped()
})

test.each([
  ['ahead of', 5 * MINUTE],
  ['behind', -5 * MINUTE],
])('five minutes %s the issuer are borne (T31)', async (_name, ms) => {
  const pod = await openPod()
  pod.zts.roles.set(READER, [NAMES.commonName])
  pod.issuer.now = () => pod.host.clock.now() - ms
  const { stopped } = runSiaOn(pod, ['--mode=refresh', ...MORE])
  await pod.host.clock.advance(30 * HOUR)
  expect(pod.agent.asked).toBeGreaterThanOrEqual(2)
  expect(pod.lines.filter(({ level }) => level === 'warn')).toEqual([])
  await stopped()
})

test('a certificate from further in the future than that is not taken early (T31)', async () => {
  const pod = await openPod()
  pod.issuer.now = () => pod.host.clock.now() + 6 * MINUTE
  const { failed } = runSiaOn(pod, ['--mode=init'])
  await pod.host.clock.advance(MINUTE)
  expect(await failed).toMatchObject({ code: 'UPSTREAM_INVALID_CERT', fields: { part: 'time' } })
  expect(await pod.host.files.list('/tls')).toEqual([])
})
