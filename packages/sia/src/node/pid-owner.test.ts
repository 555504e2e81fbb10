import { expect, test } from 'vitest'
import { createPidOwners } from './pid-owner.ts'

const NOW = 1_800_000_000_000
const FILE = { pid: 77, version: 'a', writtenAt: NOW }

/** Owners on a machine whose process 77 began when it is told to have. */
function open() {
  const it = { bornAt: 1_000, ageMs: 1_000 as number | undefined, now: NOW }
  const birthOf = async () => (it.ageMs === undefined ? undefined : { at: it.bornAt, ageMs: it.ageMs })
  return Object.assign(it, createPidOwners({ now: () => it.now, birthOf }))
}

test('who was seen first under the number of a file is its owner, and nobody who comes after', async () => {
  const it = open()
  expect(await it.isSame(FILE)).toBe(true)
  it.now += 86_400_000
  it.ageMs = 86_401_000
  expect(await it.isSame(FILE)).toBe(true)
  it.bornAt = 2_000
  expect(await it.isSame(FILE)).toBe(false)
})

test('a file that is written anew, or has another number, means whoever it says now', async () => {
  const it = open()
  await it.isSame(FILE)
  it.bornAt = 2_000
  expect(await it.isSame({ ...FILE, version: 'b' })).toBe(true)
  it.bornAt = 3_000
  expect(await it.isSame({ ...FILE, version: 'b' })).toBe(false)
  expect(await it.isSame({ ...FILE, pid: 78, version: 'b' })).toBe(true)
})

test('at first sight a process that is far younger than the file is another than the one it was written for', async () => {
  const it = open()
  const writtenAt = NOW - 86_400_000
  expect(await it.isSame({ ...FILE, writtenAt })).toBe(false)
  it.ageMs = 86_400_500
  expect(await it.isSame({ ...FILE, writtenAt })).toBe(true)
})

test('a clock that was set by some minutes since then refuses nobody', async () => {
  const it = open()
  expect(await it.isSame({ ...FILE, writtenAt: NOW - 9 * 60_000 })).toBe(true)
})

test('where nothing can be learnt of a process it is taken for the one that is meant', async () => {
  const it = open()
  it.ageMs = undefined
  expect(await it.isSame({ ...FILE, writtenAt: 0 })).toBe(true)
})
