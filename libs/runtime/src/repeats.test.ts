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

test('what was left out is given out when it is flushed or forgotten, once', async () => {
  const clock = new FakeClock()
  const given: unknown[] = []
  const onLeftOut = (...it: unknown[]) => void given.push(it)
  const repeats = createRepeats({ clock, intervalMs: 1_000, most: 2, onLeftOut })
  for (const what of ['a', 'a', 'a', 'b']) repeats.tell(what)
  repeats.flush()
  repeats.flush()
  expect(given).toEqual([['a', 2]])
  await clock.advance(999)
  expect([repeats.tell('a'), repeats.tell('c')]).toEqual([0, 1])
  expect(repeats.tell('d')).toBe(1)
  expect(given).toEqual([['a', 2], ['a', 1]])
  expect(repeats.size).toBe(2)
})
