import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, test } from 'vitest'
import { argvOf, hasVariable, isAlive, kill, processIds, residentBytes, startTimeIn, startTimeOf } from './proc.ts'

async function sleeper(env: NodeJS.ProcessEnv) {
  const child = spawn('sleep', ['3600'], { env: { PATH: process.env['PATH'], ...env }, stdio: 'ignore' })
  await once(child, 'spawn')
  const exited = once(child, 'exit')
  const end = async () => {
    child.kill('SIGKILL')
    await exited
  }
  return { pid: child.pid ?? 0, exited, [Symbol.asyncDispose]: end }
}

test('a process is known by its words, its variables and its start, and no longer when it has ended', async () => {
  await using it = await sleeper({ MARK: 'yes' })
  const id = { pid: it.pid, startTime: startTimeOf(it.pid) ?? '' }
  await expect.poll(() => argvOf(it.pid)).toEqual(['sleep', '3600'])
  expect(processIds()).toContain(it.pid)
  expect([hasVariable(it.pid, 'MARK=yes'), hasVariable(it.pid, 'MARK=no'), hasVariable(it.pid, 'ARK=yes')]).toEqual([true, false, false])
  expect(residentBytes(it.pid)).toBeGreaterThan(0)
  expect([isAlive(id), isAlive({ ...id, startTime: '1' })]).toEqual([true, false])
  kill(it.pid)
  await it.exited
  expect(isAlive(id)).toBe(false)
  expect([argvOf(it.pid), residentBytes(it.pid), hasVariable(it.pid, 'MARK=yes')]).toEqual([[], 0, false])
  expect(() => kill(it.pid)).not.toThrow()
})

const statOf = (state: string): string => `7 (a (b) c) ${state} 1 7 7 0 -1 4194560 ${'0 '.repeat(12)}4711 0 0`

test.each([
  ['one that runs is there', 'S', 9, '4711'],
  ['one that only waits to be reaped is not', 'Z', 1, undefined],
  ['one that is reaped meanwhile is not', 'Z', 0, undefined],
  ['one whose first thread alone has ended is: its sockets are still open', 'Z', 2, '4711'],
])('a process: %s', (_name, state, threads, startTime) => {
  expect(startTimeIn(statOf(state), () => threads)).toBe(startTime)
})
