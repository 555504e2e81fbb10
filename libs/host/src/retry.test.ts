import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { retry, type RetryOptions, waitMs } from './retry.ts'
import { FakeClock } from './testing/fake-clock.ts'

const options = (clock: FakeClock, other: Partial<RetryOptions> = {}): RetryOptions => ({
  clock,
  initialMs: 100,
  maxMs: 400,
  deadlineMs: Infinity,
  again: () => true,
  ...other,
})

/** Fails as often as told, then gives its number of attempts. */
function failing(times: number) {
  let attempts = 0
  return {
    get attempts() {
      return attempts
    },
    attempt: async () => {
      if (++attempts <= times) throw new Error(`attempt ${attempts}`)
      return attempts
    },
  }
}

test('what succeeds at once is not tried again', async () => {
  const work = failing(0)
  expect(await retry(work.attempt, options(new FakeClock()))).toBe(1)
})

test('the ceiling of the wait doubles up to the most, and the wait is drawn below it', async () => {
  const clock = new FakeClock()
  clock.willDraw(1, 1, 1, 1, 0)
  const waits: number[] = []
  const work = failing(5)
  const done = retry(work.attempt, options(clock, { onWait: (_error, delayMs) => waits.push(delayMs) }))
  await clock.advance(10_000)
  expect(await done).toBe(6)
  expect(waits).toEqual([100, 200, 400, 400, 0])
})

test('the most may shrink while it is waited', async () => {
  const clock = new FakeClock()
  clock.willDraw(1, 1, 1, 1)
  const waits: number[] = []
  const maxMs = () => 400 - 0.5 * clock.monotonic()
  const onWait = (_error: unknown, delayMs: number) => waits.push(delayMs)
  const done = retry(failing(4).attempt, options(clock, { maxMs, onWait }))
  await clock.advance(10_000)
  await done
  expect(waits).toEqual([100, 200, 250, 125])
})

test('no attempt is made before its wait is over', async () => {
  const clock = new FakeClock()
  clock.willDraw(1)
  const work = failing(1)
  const done = retry(work.attempt, options(clock))
  await clock.advance(99)
  expect(work.attempts).toBe(1)
  await clock.advance(1)
  expect(await done).toBe(2)
})

test('a refusal is thrown at once', async () => {
  const work = failing(9)
  await expect(retry(work.attempt, options(new FakeClock(), { again: () => false }))).rejects.toThrow('attempt 1')
  expect(work.attempts).toBe(1)
})

test('the wait that the peer asked for is a least', async () => {
  const clock = new FakeClock()
  clock.willDraw(0, 1)
  const waits: number[] = []
  const asked = { again: () => ({ afterMs: 150 }), onWait: (_error: unknown, delayMs: number) => waits.push(delayMs) }
  const done = retry(failing(2).attempt, options(clock, asked))
  await clock.advance(1_000)
  await done
  expect(waits).toEqual([150, 350])
})

const aWait = fc.nat(3_600_000)
const aDraw = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })

test('a wait is never shorter than asked, never longer than asked and what is drawn from, and longer for a higher draw', () => {
  fc.assert(
    fc.property(aWait, aWait, aDraw, aDraw, (askedMs, ceilingMs, one, other) => {
      const [low, high] = [Math.min(one, other), Math.max(one, other)].map((random) => waitMs({ askedMs, ceilingMs, random }))
      expect(low).toBeGreaterThanOrEqual(askedMs)
      expect(low).toBeLessThanOrEqual(high!)
      expect(high).toBeLessThanOrEqual(askedMs + Math.max(ceilingMs, Math.ceil(askedMs / 2)))
    }),
  )
})

test.each([5, 60, 3_600])('a fleet that is asked to come back in %i seconds does not come back in one', async (seconds) => {
  const clock = new FakeClock()
  const fleet = 1_000
  const wokenIn = new Map<number, number>()
  const member = async (): Promise<void> => {
    await retry(failing(1).attempt, options(clock, { again: () => ({ afterMs: seconds * 1_000 }) }))
    const second = Math.floor(clock.monotonic() / 1_000)
    wokenIn.set(second, (wokenIn.get(second) ?? 0) + 1)
  }
  clock.willDraw(...Array.from({ length: fleet }, (_, index) => (index * 0.618_034) % 1))
  const done = Promise.all(Array.from({ length: fleet }, member))
  await clock.advance(2 * seconds * 1_000)
  await done
  expect(Math.min(...wokenIn.keys())).toBe(seconds)
  expect(Math.max(...wokenIn.values())).toBeLessThanOrEqual(2 + (1.1 * fleet) / (seconds / 2))
})

test('a wait that the peer asked for does not pass the deadline either', async () => {
  const clock = new FakeClock()
  clock.willDraw(0)
  const asked = options(clock, { deadlineMs: 500, again: () => ({ afterMs: 501 }) })
  await expect(retry(failing(9).attempt, asked)).rejects.toThrow('attempt 1')
})

test('when the next wait would pass the deadline the last error is thrown without it', async () => {
  const clock = new FakeClock()
  clock.willDraw(1, 1, 1)
  const work = failing(9)
  const done = expect(retry(work.attempt, options(clock, { deadlineMs: 500 }))).rejects.toThrow('attempt 3')
  await clock.advance(300)
  await done
  expect(clock.sleeping).toBe(0)
})

test('an abort ends the wait with its reason', async () => {
  const clock = new FakeClock()
  const stop = new AbortController()
  const done = retry(failing(9).attempt, options(clock), stop.signal)
  const ended = expect(done).rejects.toThrow('enough')
  await clock.advance(0)
  stop.abort(new Error('enough'))
  await ended
})

test('whoever has been aborted attempts nothing', async () => {
  const stop = new AbortController()
  stop.abort(new Error('enough'))
  const work = failing(0)
  await expect(retry(work.attempt, options(new FakeClock()), stop.signal)).rejects.toThrow('enough')
  expect(work.attempts).toBe(0)
})

test('the wall clock may jump without moving the deadline', async () => {
  const clock = new FakeClock()
  clock.willDraw(1)
  const done = retry(failing(1).attempt, options(clock, { deadlineMs: 1_000 }))
  await clock.advance(0)
  clock.jump(3_600_000)
  await clock.advance(100)
  expect(await done).toBe(2)
})
