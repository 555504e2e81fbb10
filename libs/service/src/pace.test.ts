import { FakeClock } from '@pallas/runtime/testing'
import { expect, test } from 'vitest'
import { createPace } from './pace.ts'

test('a burst is let through, then one per refill, for each instance by itself', async () => {
  const clock = new FakeClock()
  const pace = createPace({ clock, burst: 3, refillMs: 1_000 })
  for (let n = 0; n < 3; n++) pace.take('pod')
  expect(() => pace.take('pod')).toThrow(expect.objectContaining({ code: 'BUSY', retryAfterMs: 1_000 }))
  pace.take('other')
  await clock.advance(400)
  expect(() => pace.take('pod')).toThrow(expect.objectContaining({ retryAfterMs: 600 }))
  await clock.advance(600)
  pace.take('pod')
  expect(() => pace.take('pod')).toThrow()
})

test('instances that have long been quiet are forgotten (T39)', async () => {
  const clock = new FakeClock()
  const pace = createPace({ clock, burst: 3, refillMs: 1_000 })
  for (let n = 0; n < 1_000; n++) pace.take(`pod ${n}`)
  await clock.advance(10_000)
  pace.take('the last')
  expect(pace.size).toBe(1)
})

test('to look takes nothing, and says what taking would', () => {
  const pace = createPace({ clock: new FakeClock(), burst: 1, refillMs: 1_000 })
  for (let n = 0; n < 5; n++) pace.check('pod')
  expect(pace.size).toBe(0)
  pace.take('pod')
  expect(() => pace.check('pod')).toThrow(expect.objectContaining({ code: 'BUSY', retryAfterMs: 1_000 }))
})

test('no more are remembered than was said: one more waits until some are forgotten, those within go on (T39)', async () => {
  const clock = new FakeClock()
  const pace = createPace({ clock, burst: 2, refillMs: 1_000, most: 100 })
  const outcomes = Array.from({ length: 100_000 }, (_, n) => pace.tryTake(`pod ${n}`))
  expect([pace.size, outcomes.filter((ms) => ms === 0).length]).toEqual([100, 100])
  expect(pace.tryTake('pod 1')).toBe(0)
  expect(() => pace.check('one more')).toThrow(expect.objectContaining({ code: 'BUSY', retryAfterMs: 2_000 }))
  await clock.advance(2_000)
  pace.take('one more')
  expect(pace.size).toBeLessThan(100)
})
