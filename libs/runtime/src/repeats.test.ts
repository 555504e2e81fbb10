import { FakeClock } from './testing/index.ts'
import { expect, test } from 'vitest'
import { createRepeats } from './repeats.ts'

const fresh = (clock = new FakeClock()) => ({ clock, repeats: createRepeats({ clock, intervalMs: 1_000, most: 3 }) })

test('the first is told at once, the rest once in an interval with their number', async () => {
  const { clock, repeats } = fresh()
  expect(repeats.tell('a')).toBe(1)
  for (let n = 0; n < 20; n++) expect(repeats.tell('a')).toBe(0)
  await clock.advance(999)
  expect(repeats.tell('a')).toBe(0)
  await clock.advance(1)
  expect(repeats.tell('a')).toBe(22)
  expect(repeats.tell('a')).toBe(0)
})

test('one thing in a loop hides no other', () => {
  const { repeats } = fresh()
  for (let n = 0; n < 20; n++) repeats.tell('a')
  expect(repeats.tell('b')).toBe(1)
})

test('what is remembered is bounded, and what was forgotten is told anew (T39)', () => {
  const { repeats } = fresh()
  for (const what of ['a', 'b', 'c', 'd']) expect(repeats.tell(what)).toBe(1)
  expect(repeats.size).toBe(3)
  expect([repeats.tell('d'), repeats.tell('a')]).toEqual([0, 1])
})
