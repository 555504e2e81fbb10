import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { systemClock, watchFiles } from './index.ts'
import { FakeClock } from './testing/index.ts'

async function temporaryDirectory() {
  const dir = await mkdtemp(join(tmpdir(), 'w-'))
  return { dir, at: (name: string) => join(dir, name), [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true }) }
}

/** Resolves each time the watcher calls. */
function calls() {
  let count = 0
  let next = Promise.withResolvers<number>()
  const onChange = () => {
    next.resolve(++count)
    next = Promise.withResolvers()
  }
  return { onChange, next: () => next.promise }
}

test('a file that is replaced by rename, or appears, is told', async () => {
  await using it = await temporaryDirectory()
  await writeFile(it.at('a'), '1')
  const { onChange, next } = calls()
  await using _watch = watchFiles([it.at('a'), it.at('b')], { clock: systemClock, onChange, settleMs: 1 })
  const first = next()
  await writeFile(it.at('new'), '2')
  await rename(it.at('new'), it.at('a'))
  expect(await first).toBe(1)
  const second = next()
  await writeFile(it.at('b'), '1')
  expect(await second).toBeGreaterThanOrEqual(2)
})

test('the swap of a mounted volume is told', async () => {
  await using it = await temporaryDirectory()
  for (const [generation, content] of [['..1', 'old'], ['..2', 'new']] as const) {
    await mkdir(it.at(generation))
    await writeFile(join(it.at(generation), 'key'), content)
  }
  await symlink('..1', it.at('..data'))
  await symlink('..data/key', it.at('key'))
  const { onChange, next } = calls()
  await using _watch = watchFiles([it.at('key')], { clock: systemClock, onChange, settleMs: 1 })
  const told = next()
  await symlink('..2', it.at('..data_tmp'))
  await rename(it.at('..data_tmp'), it.at('..data'))
  expect(await told).toBe(1)
})

test('what happens between the call and the first look is not missed', async () => {
  await using it = await temporaryDirectory()
  const { onChange, next } = calls()
  const told = next()
  await using _watch = watchFiles([it.at('a')], { clock: systemClock, onChange, settleMs: 1 })
  await writeFile(it.at('a'), '1')
  expect(await told).toBe(1)
})

test('a directory that cannot be watched is polled, and other files in it are not told', async () => {
  await using it = await temporaryDirectory()
  const clock = new FakeClock()
  let count = 0
  await using _watch = watchFiles([it.at('later/a')], { clock, onChange: () => void count++, pollMs: 1_000, settleMs: 10 })
  await mkdir(it.at('later'))
  await writeFile(it.at('later/other'), '1')
  await clock.advance(1_100)
  expect(count).toBe(0)
  await writeFile(it.at('later/a'), '1')
  await clock.advance(1_100)
  expect(count).toBe(1)
  await clock.advance(5_000)
  expect(count).toBe(1)
})

test('a path that cannot be looked at for a moment is a change, and ends nothing', async () => {
  await using it = await temporaryDirectory()
  await writeFile(it.at('a'), '1')
  const clock = new FakeClock()
  let count = 0
  await using _watch = watchFiles([it.at('a')], { clock, onChange: () => void count++, pollMs: 1_000, settleMs: 10 })
  await rm(it.at('a'))
  await symlink('a', it.at('a'))
  await clock.advance(1_100)
  expect(count).toBe(1)
  await rm(it.at('a'))
  await writeFile(it.at('a'), '2')
  await clock.advance(1_100)
  expect(count).toBe(2)
})

test('a disposed watch sleeps no more and tells nothing', async () => {
  await using it = await temporaryDirectory()
  const clock = new FakeClock()
  let count = 0
  const watch = watchFiles([it.at('a')], { clock, onChange: () => void count++, pollMs: 1_000 })
  await watch[Symbol.asyncDispose]()
  await writeFile(it.at('a'), '1')
  expect(clock.sleeping).toBe(0)
  await clock.advance(10_000)
  expect(count).toBe(0)
})
