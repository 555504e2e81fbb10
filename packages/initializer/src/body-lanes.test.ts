import { FakeClock } from '@pallas/runtime/testing'
import { expect, test } from 'vitest'
import { createLane } from './body-lanes.ts'

const BOUNDS = { most: 1, waiting: 2, waitMs: 2_000 }
const BUSY = { code: 'BUSY', retryAfterMs: 1_000 }

/** What has come of it so far. */
function followed(entering: Promise<() => void>) {
  const seen = { outcome: 'waits' as unknown, leave: (): void => expect.fail('it has no place') }
  entering.then(
    (leave) => Object.assign(seen, { outcome: 'in', leave }),
    (error: unknown) => Object.assign(seen, { outcome: error }),
  )
  return seen
}

test('places are given in the order in which they were asked for, as they become free', async () => {
  const clock = new FakeClock()
  const enter = createLane(BOUNDS, clock)
  const [first, second, third] = [followed(enter()), followed(enter()), followed(enter())]
  await clock.advance(0)
  expect([first, second, third].map(({ outcome }) => outcome)).toEqual(['in', 'waits', 'waits'])
  first.leave()
  await clock.advance(0)
  expect([second, third].map(({ outcome }) => outcome)).toEqual(['in', 'waits'])
  second.leave()
  await clock.advance(0)
  expect(third.outcome).toBe('in')
  third.leave()
  expect(clock.sleeping).toBe(0)
  await expect(enter()).resolves.toBeTypeOf('function')
})

test('who finds no place in time is told to come again, and who would wait behind too many at once', async () => {
  const clock = new FakeClock()
  const enter = createLane(BOUNDS, clock)
  const first = followed(enter())
  const [late, later] = [followed(enter()), followed(enter())]
  await expect(enter()).rejects.toMatchObject(BUSY)
  await clock.advance(1_999)
  expect([late.outcome, later.outcome]).toEqual(['waits', 'waits'])
  await clock.advance(1)
  expect([late.outcome, later.outcome]).toEqual([expect.objectContaining(BUSY), expect.objectContaining(BUSY)])
  // Nobody is given the place of one who has gone.
  first.leave()
  await expect(enter()).resolves.toBeTypeOf('function')
})
