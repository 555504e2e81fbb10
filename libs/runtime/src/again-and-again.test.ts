import { expect, test } from 'vitest'
import { againAndAgain } from './index.ts'
import { FakeClock } from './testing/index.ts'

/** Work that notes that it began, and goes on until the test ends it or it is asked to end. */
function open(begin: 'working' | 'pausing') {
  const clock = new FakeClock()
  let begun = 0
  let next = Promise.withResolvers<void>()
  const work = (signal: AbortSignal): Promise<void> => {
    begun += 1
    next = Promise.withResolvers()
    signal.addEventListener('abort', () => next.reject(signal.reason))
    return next.promise
  }
  const running = againAndAgain({ clock, pauseMs: () => 100, work, begin })
  return { clock, running, end: () => next.resolve(), begun: () => begun }
}

test('work and pause follow each other, never twice at a time', async () => {
  const { clock, running, end, begun } = open('working')
  await using _running = running
  expect(begun()).toBe(1)
  await clock.advance(1_000)
  expect(begun()).toBe(1)
  end()
  await clock.advance(0)
  await clock.advance(99)
  expect(begun()).toBe(1)
  await clock.advance(1)
  expect(begun()).toBe(2)
})

test('whoever begins with a pause works after it', async () => {
  const { clock, running, begun } = open('pausing')
  await using _running = running
  await clock.advance(99)
  expect(begun()).toBe(0)
  await clock.advance(1)
  expect(begun()).toBe(1)
})

test.each([
  ['the work', 'working', 1],
  ['the pause', 'pausing', 0],
] as const)('disposed, %s ends at once and nothing follows', async (_what, begin, times) => {
  const { clock, running, begun } = open(begin)
  await running[Symbol.asyncDispose]()
  await clock.advance(1_000)
  expect([begun(), clock.sleeping]).toEqual([times, 0])
})
