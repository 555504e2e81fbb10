import { expect, test } from 'vitest'
import { openPod, type Pod } from '../testing/pod.ts'
import { runSiaOn } from '../testing/run.ts'

const HOUR = 3_600_000
const NTOKEN = '--out-ntoken=/tls/ntoken'

const tokenUntil = (pod: Pod, hours: number) => {
  const from = Math.floor(pod.host.clock.now() / 1_000)
  return `v=S1;d=media.on-air;n=web;a=00;t=${from};e=${from + hours * 3_600};k=0;z=zts;s=AA--`
}

/** A pod with a set and a token of so many hours, whose agent lost the answer to a second try and has only its record. */
async function cutOff(tokenHours: number) {
  const pod = await openPod()
  pod.agent.ntoken = tokenUntil(pod, tokenHours)
  await runSiaOn(pod, ['--mode=init', NTOKEN]).done
  pod.host.clock.jump(6 * HOUR)
  pod.agent.willLoseAnswer()
  const again = runSiaOn(pod, ['--mode=init', NTOKEN])
  await pod.host.clock.advance(0)
  pod.agent.isCutOff = true
  await pod.host.clock.advance(5_000)
  await again.done
  return pod
}

test('a set that comes without a token leaves the token that lives as it is, beside the key too (T33)', async () => {
  const pod = await cutOff(12)
  expect(await pod.read('/tls/ntoken')).toBe(pod.agent.ntoken)
  const [first, lost, again] = pod.agent.csrs
  expect(again).toBe(lost)
  expect(lost).not.toBe(first)
  expect(pod.said('credentials published')).toBe(2)
})

test('a token that has expired is not carried on, and no renewal waits for it', async () => {
  const pod = await cutOff(5)
  await expect(pod.read('/tls/ntoken')).rejects.toMatchObject({ code: 'HOST_NOT_FOUND' })
  const renewAt = pod.lines.findLast(({ msg }) => msg === 'credentials published')?.['renewAt']
  expect(Date.parse(String(renewAt))).toBeGreaterThan(pod.host.clock.now() + HOUR)
})

test('whatever lies in the place of a file that is not written is left alone', async () => {
  const pod = await openPod()
  pod.agent.ntoken = ''
  await pod.host.files.mkdirs('/own', 0o755)
  await pod.host.files.create('/own/ntoken', new TextEncoder().encode('not ours'), 0o600)
  await runSiaOn(pod, ['--mode=init', '--out-ntoken=/own/ntoken']).done
  expect(await pod.host.files.list('/own')).toEqual(['ntoken'])
})
