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
