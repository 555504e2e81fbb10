/** `down` leaves the machine as it was, however the cluster ended. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { down } from '../down.ts'
import { kubectlOutput } from '../kubectl.ts'
import { kill } from '../proc.ts'
import { describeCluster } from '../status.ts'
import { commandLine } from '../testing/command-line.ts'
import { type MachineBefore, machineBefore } from '../testing/machine-before.ts'
import { runWorkload } from '../testing/workload.ts'
import { until } from '../until.ts'
import { up } from '../up.ts'

const silent = { say: () => undefined }
let machine: MachineBefore

beforeEach(async () => void (machine = await machineBefore()))
afterEach(async () => void (await down(silent)))

test.each([['the first time'], ['the second']])('with pods of every kind running, %s', async () => {
  await up(silent)
  await runWorkload()
  expect(await down(silent)).toBe(true)
  await machine.expectUnchanged()
})

test('when its pods have gone before it', async () => {
  await up(silent)
  await runWorkload()
  await kubectlOutput(['delete', 'pod', '--all', '--timeout=60s'])
  expect(await down(silent)).toBe(true)
  await machine.expectUnchanged()
})

test('after its kubelet and its container runtime were killed', async () => {
  await up(silent)
  await runWorkload()
  const { processes } = await describeCluster()
  for (const { name, pid } of processes) if (['kubelet', 'containerd'].includes(name)) kill(pid)
  await down(silent)
  await machine.expectUnchanged()
})

describe('`up`', () => {
  test('killed as soon as there is a journal leaves what `down` finds', async () => {
    await using running = commandLine('up')
    await until(async () => (await describeCluster()).state === 'starting', { what: 'a journal', deadlineMs: 60_000, pollMs: 1 })
    running.process.kill('SIGKILL')
    await running.exited
    expect(await down(silent)).toBe(true)
    await machine.expectUnchanged()
  })

  test.each(['containerd answers', 'its own images are loaded', 'the API server is ready'])('killed when %s leaves what `down` finds', async (words) => {
    await using running = commandLine('up')
    await running.said(words)
    running.process.kill('SIGKILL')
    await running.exited
    expect(await down(silent)).toBe(true)
    await machine.expectUnchanged()
  })

  test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('asked to stop by %s clears up after itself', async (signal) => {
    await using running = commandLine('up')
    await running.said('containerd answers')
    running.process.kill(signal)
    expect(await running.exited).toBe(1)
    await machine.expectUnchanged()
    expect((await describeCluster()).state).toBe('down')
  })
})

test('there is nothing to take down twice', async () => {
  expect(await down(silent)).toBe(false)
  await machine.expectUnchanged()
})
