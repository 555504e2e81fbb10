import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type Clock, openWatchedFile, systemClock } from './index.ts'
import { FakeClock } from './testing/index.ts'
import { SETTLED_MS } from './watched-file.ts'

/** A file of one number, and what is told of it. */
async function aFile(text = '1') {
  const dir = await mkdtemp(join(tmpdir(), 'wf-'))
  const path = join(dir, 'number')
  await writeFile(path, text)
  const told: unknown[] = []
  let next = Promise.withResolvers<void>()
  const note = (what: unknown): void => {
    told.push(what)
    next.resolve()
    next = Promise.withResolvers()
  }
  const open = (clock = systemClock) =>
    openWatchedFile({
      path,
      parse: numberIn,
      clock,
      pollMs: 2_000,
      onChange: (now, before) => note([before, now]),
      onFailure: (error) => note(String(error)),
    })
  const put = async (content: string): Promise<void> => {
    await writeFile(`${path}.new`, content)
    await rename(`${path}.new`, path)
  }
  const dispose = () => rm(dir, { recursive: true, force: true })
  return { dir, path, told, next: () => next.promise, open, put, [Symbol.asyncDispose]: dispose }
}

function numberIn(text: string): number {
  if (/^\d+$/.test(text)) return Number(text)
  throw new TypeError('no number')
}

test('the first content is there when it opens; a replaced file is the new content, and told', async () => {
  await using it = await aFile()
  await using file = await it.open()
  expect(file.current()).toBe(1)
  const heard: number[] = []
  const quiet = file.onChange(() => void heard.push(file.current()))
  const told = it.next()
  await it.put('2')
  await told
  expect(file.current()).toBe(2)
  const again = it.next()
  quiet()
  await it.put('3')
  await again
  expect([it.told, heard]).toEqual([[[1, 2], [2, 3]], [2]])
})

test.each([
  ['is missing', rm, 'ENOENT'],
  ['is bad', (path: string) => writeFile(path, 'x'), 'no number'],
  ['is too long', (path: string) => writeFile(path, '1'.repeat(1_048_577)), 'EFBIG'],
  ['is a directory', (path: string) => rm(path).then(() => mkdir(path)), 'EINVAL'],
])('it does not open when the file %s', async (_name, spoil, problem) => {
  await using it = await aFile()
  await spoil(it.path)
  await expect(it.open()).rejects.toThrow(problem)
})

test('a bad new file keeps the old value and is told; the old content put back is told as good', async () => {
  await using it = await aFile()
  await using file = await it.open()
  const bad = it.next()
  await it.put('x')
  await bad
  expect(file.current()).toBe(1)
  const good = it.next()
  await it.put('1')
  await good
  expect(it.told).toEqual(['TypeError: no number', [1, 1]])
})

/** Time passes until it is so: the watcher sleeps on the clock, and reads in between as fast as the machine does. */
const inTime = (clock: FakeClock, whatItIs: () => unknown) =>
  expect.poll(() => clock.advance(1_100).then(whatItIs), { timeout: 10_000, interval: 5 })

test('a file that is written anew with the same content is no news', async () => {
  await using it = await aFile()
  const clock = new FakeClock()
  await using file = await it.open(clock)
  await it.put('1')
  await clock.advance(5_000)
  await it.put('2')
  await inTime(clock, () => file.current()).toBe(2)
  expect(it.told).toEqual([[1, 2]])
})

test('the swap of a mounted volume is followed', async () => {
  await using it = await aFile()
  await rm(it.path)
  for (const [generation, content] of [['..1', '1'], ['..2', '2']] as const) {
    await mkdir(join(it.dir, generation))
    await writeFile(join(it.dir, generation, 'number'), content)
  }
  await symlink('..1', join(it.dir, '..data'))
  await symlink('..data/number', it.path)
  await using file = await it.open()
  const told = it.next()
  await symlink('..2', join(it.dir, '..data_tmp'))
  await rename(join(it.dir, '..data_tmp'), join(it.dir, '..data'))
  await told
  expect(file.current()).toBe(2)
})

test('a file that cannot be read now is told once, and looked at until it can', async () => {
  await using it = await aFile()
  const clock = new FakeClock()
  await using file = await it.open(clock)
  await rm(it.path)
  await inTime(clock, () => it.told).toEqual([expect.stringContaining('ENOENT')])
  await clock.advance(10_000)
  expect(file.current()).toBe(1)
  await it.put('7')
  await inTime(clock, () => file.current()).toBe(7)
  expect(it.told).toEqual([expect.stringContaining('ENOENT'), [1, 7]])
})

test('a file that cannot be reached for a moment keeps the last good value, is told, and is followed again', async () => {
  await using it = await aFile()
  const clock = new FakeClock()
  await using file = await it.open(clock)
  await rm(it.path)
  await symlink('number', it.path)
  await inTime(clock, () => it.told).toEqual([expect.stringContaining('ELOOP')])
  expect(file.current()).toBe(1)
  await rm(it.path)
  await it.put('7')
  await inTime(clock, () => file.current()).toBe(7)
})

/** Does `then` whenever the follower waits to look a second time. */
const between = (then: () => Promise<void>): Clock => ({
  ...systemClock,
  sleep: async (ms, signal) => {
    if (ms !== SETTLED_MS) return await systemClock.sleep(ms, signal)
    await then()
    await systemClock.sleep(1, signal)
  },
})

test('half a file never counts, even when it could be read as a whole one', async () => {
  await using it = await aFile()
  await using file = await it.open(between(() => writeFile(it.path, '27')))
  const told = it.next()
  await writeFile(it.path, '2')
  await told
  expect([it.told, file.current()]).toEqual([[[1, 27]], 27])
})

test('a file that is empty for as long as its writer takes is never seen empty', async () => {
  await using it = await aFile()
  await using _file = await it.open(between(() => it.put('3')))
  const told = it.next()
  await writeFile(it.path, '')
  await told
  expect(it.told).toEqual([[1, 3]])
})

test('a file that never comes to rest is told, and its last good value stays', async () => {
  await using it = await aFile()
  let content = 3
  await using file = await it.open(between(() => writeFile(it.path, String(content++))))
  const told = it.next()
  await it.put('2')
  await told
  expect([it.told, file.current()]).toEqual([[expect.stringContaining('comes to no rest')], 1])
})

test('disposing does not wait for a file to come to rest', async () => {
  await using it = await aFile()
  const clock = new FakeClock()
  const file = await it.open(clock)
  await it.put('2')
  await expect.poll(() => clock.advance(1_100).then(() => file.current())).toBe(2)
  await it.put('3')
  await clock.advance(1_200)
  await file[Symbol.asyncDispose]()
  expect(clock.sleeping).toBe(0)
})
