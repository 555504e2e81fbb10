import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, test } from 'vitest'
import { argvOf, hasVariable, isAlive, kill, processIds, residentBytes, startTimeOf } from './proc.ts'

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
