/** All of a fleet were due while ZTS was away, and it comes back. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createFleet, type Fleet } from './fleet.ts'
import { duringOutages } from './outages.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const LIFE = 24 * HOUR
const AGENTS = 5_000
/** Long enough that everybody waits as long as anybody ever does. */
const OUTAGE = 3 * HOUR

let fleet: Fleet

beforeAll(async () => {
  fleet = createFleet({ seed: 30, lifeMs: LIFE, issuer: duringOutages([{ from: 0, to: OUTAGE }]) })
  for (let i = 0; i < AGENTS; i++) fleet.start((0.6 + (0.25 * i) / AGENTS) * LIFE)
  await fleet.clock.run(OUTAGE + 75 * MINUTE)
})
afterAll(() => fleet.close())

const fullest = (moments: readonly number[], bucketMs: number): number =>
  Math.max(...Map.groupBy(moments, (at) => Math.floor(at / bucketMs)).values().map((bucket) => bucket.length))

test('5 000 agents come back over an hour, each once, in no second more than 0.5 % and in no minute more than 10 % of them (T30)', () => {
  const comebacks = fleet.calls.filter(({ at }) => at >= OUTAGE)
  expect(new Set(comebacks.map(({ pod }) => pod)).size).toBe(AGENTS)
  expect(comebacks).toHaveLength(AGENTS)
  const moments = comebacks.map(({ at }) => at)
  expect(fullest(moments, 1_000)).toBeLessThanOrEqual(0.005 * AGENTS)
  expect(fullest(moments, MINUTE)).toBeLessThanOrEqual(0.1 * AGENTS)
})

test('the herd that came back is none in the next cycle: no hundredth of it holds more than 2 % of the fleet (T30)', () => {
  const moments = fleet.held().map(({ renewAt }) => renewAt)
  expect(moments).toHaveLength(AGENTS)
  const [first, last] = [Math.min(...moments), Math.max(...moments)]
  expect(last - first).toBeGreaterThan(4 * HOUR)
  expect(fullest(moments, (last - first) / 100)).toBeLessThanOrEqual(0.02 * AGENTS)
})
