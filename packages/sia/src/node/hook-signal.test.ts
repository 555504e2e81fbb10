import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, chown, mkdir, mkdtemp, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '@pallas/runtime'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { signalPidFile } from './hook-signal.ts'
import { createPidOwners } from './pid-owner.ts'

/** Of a machine that tells nothing of its processes. */
const owners = { isSame: () => Promise.resolve(true) }

let dir: string
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'hook-'))
})
afterAll(() => rm(dir, { recursive: true }))

const pidFile = () => join(dir, 'app.pid')

async function write(text: string, mode = 0o644): Promise<void> {
  await rm(pidFile(), { recursive: true, force: true })
  await writeFile(pidFile(), text)
  await chmod(pidFile(), mode)
}

/** Signals nobody: writes down who would have been. */
function listening(uid = process.geteuid?.() ?? 0) {
  const signalled: [number, string | number | undefined][] = []
  const kill = (pid: number, signal?: string | number) => signalled.push([pid, signal]) > 0
  return { signalled, process: { kill, geteuid: () => uid, pid: 4_242 } as Pick<NodeJS.Process, 'kill' | 'geteuid' | 'pid'> }
}

test('the process in the file is signalled, and another one when the file says so', async () => {
  const children = [0, 0].map(() => spawn('/bin/sleep', ['600']))
  for (const child of children) {
    await write(`${child.pid}\n`)
    const ended = once(child, 'exit')
    await signalPidFile({ pidFile: pidFile(), signal: 'SIGUSR1', process, owners })
    expect((await ended)[1]).toBe('SIGUSR1')
  }
})

test.each([
  ['nothing', ''],
  ['0, which is everybody in this group', '0'],
  ['1, which is the first process', '1\n'],
  ['a group', '-7'],
  ['a sign', '+7'],
  ['zeros before it', '007'],
  ['blanks', ' 77'],
  ['another notation', '0x77'],
  ['a fraction', '77.5'],
  ['two numbers', '77\n78\n'],
  ['words', 'nginx'],
  ['more digits than any process has', '77777777777'],
  ['more than a number', '77'.padEnd(500, ' ')],
  ['this program itself', '4242'],
])('a file that holds %s is refused', async (_what, text) => {
  await write(text)
  const { signalled, process } = listening()
  await expect(signalPidFile({ pidFile: pidFile(), signal: 'SIGHUP', process, owners })).rejects.toMatchObject({ code: 'SIA_HOOK_FAILED' })
  expect(signalled).toEqual([])
})

test.each<[string, () => Promise<void>]>([
  ['is missing', () => rm(pidFile(), { force: true })],
  ['others may write', () => write('77', 0o666)],
  ['its group may write', () => write('77', 0o664)],
  ['is a directory', async () => {
    await rm(pidFile(), { force: true })
    await mkdir(pidFile())
  }],
  ['is a link', async () => {
    await write('77')
    await rm(pidFile())
    await writeFile(join(dir, 'real.pid'), '77')
    await symlink('real.pid', pidFile())
  }],
])('a file that %s is refused', async (_what, prepare) => {
  await prepare()
  const { signalled, process } = listening()
  await expect(signalPidFile({ pidFile: pidFile(), signal: 'SIGHUP', process, owners })).rejects.toMatchObject({ code: 'SIA_HOOK_FAILED' })
  expect(signalled).toEqual([])
})

test.skipIf(process.geteuid?.() !== 0)('a file of another user is refused, one of root is not', async () => {
  await write('77')
  const { signalled, process } = listening(1_000)
  await signalPidFile({ pidFile: pidFile(), signal: 'SIGHUP', process, owners })
  expect(signalled).toEqual([[77, 0], [77, 'SIGHUP']])
  await chown(pidFile(), 2_000, 2_000)
  await expect(signalPidFile({ pidFile: pidFile(), signal: 'SIGHUP', process, owners })).rejects.toThrow('belongs to somebody else')
  expect(signalled).toHaveLength(2)
})

test('a process that is not there is told, with the reason of the system', async () => {
  const child = spawn('/bin/true')
  await once(child, 'exit')
  await write(String(child.pid))
  await expect(signalPidFile({ pidFile: pidFile(), signal: 'SIGHUP', process, owners })).rejects.toMatchObject({ cause: { code: 'ESRCH' } })
})

test('a number that has gone to a process far younger than the file is not signalled', async () => {
  const child = spawn('/bin/sleep', ['600'])
  await write(String(child.pid))
  const { signalled, process: quiet } = listening()
  const owners = createPidOwners({ now: () => systemClock.now() })
  await signalPidFile({ pidFile: pidFile(), signal: 'SIGHUP', process: quiet, owners })
  expect(signalled).toHaveLength(2)
  const longAgo = systemClock.now() / 1_000 - 3_600
  await utimes(pidFile(), longAgo, longAgo)
  await expect(signalPidFile({ pidFile: pidFile(), signal: 'SIGHUP', process: quiet, owners })).rejects.toThrow('has gone to another process')
  expect(signalled).toHaveLength(2)
  child.kill('SIGKILL')
})
