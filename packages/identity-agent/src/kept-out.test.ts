import { FakeClock } from '@pallas/runtime/testing'
import { expect, test } from 'vitest'
import { createKeptOut } from './kept-out.ts'

test('a process is kept out for its while, and no other is', async () => {
  const clock = new FakeClock()
  const keptOut = createKeptOut(clock)
  keptOut.add(7, 1_000)
  expect([keptOut.has(7), keptOut.has(8), keptOut.has(0)]).toEqual([true, false, false])
  await clock.advance(999)
  expect(keptOut.has(7)).toBe(true)
  await clock.advance(1)
  expect(keptOut.has(7)).toBe(false)
})

test('those whose time is over are forgotten (T39)', async () => {
  const clock = new FakeClock()
  const keptOut = createKeptOut(clock)
  for (let pid = 1; pid <= 2_000; pid++) {
    keptOut.add(pid, 10)
    await clock.advance(10)
  }
  expect(keptOut.size).toBeLessThan(600)
})
