import { expect, test } from 'vitest'
import { createCrowd } from './crowd.ts'

function fresh(most: number) {
  const evicted: string[] = []
  const crowd = createCrowd({ most, onEvicted: (caller) => void evicted.push(caller) })
  const join = (caller: string) => {
    const it = { cut: false, destroy: () => void (it.cut = true), joined: false }
    it.joined = crowd.joined(caller, it)
    return it
  }
  return { crowd, evicted, join }
}

test('where there is no room, the oldest silent connection goes of whoever holds most (W22, T38)', () => {
  const { crowd, evicted, join } = fresh(4)
  const quiet = join('quiet')
  const [first, second, third] = [join('loud'), join('loud'), join('loud')]
  expect(first.cut).toBe(false)
  const newcomer = join('newcomer')
  expect([first, second, third, quiet, newcomer].map(({ cut }) => cut)).toEqual([true, false, false, false, false])
  expect([crowd.size, evicted, newcomer.joined]).toEqual([4, ['loud'], true])
  // The end of it comes later, and counts once.
  crowd.left('loud', first)
  expect(crowd.size).toBe(4)
})

test('a connection whose request is worked on stays, until it is not', () => {
  const { crowd, evicted, join } = fresh(2)
  const [first, second] = [join('a'), join('a')]
  const [over, another] = [crowd.asks(first), crowd.asks(first)]
  const third = join('b')
  expect([first.cut, second.cut, third.joined]).toEqual([false, true, true])
  crowd.asks(third)
  expect(join('c').joined).toBe(false)
  over()
  expect(join('c').joined).toBe(false)
  another()
  expect([join('c').joined, first.cut, evicted]).toEqual([true, true, ['a', 'a']])
})

test('nothing is held of those who have gone (T39)', () => {
  const { crowd, join } = fresh(100)
  for (let n = 0; n < 50; n++) crowd.left('a', join('a'))
  expect(crowd.size).toBe(0)
})
