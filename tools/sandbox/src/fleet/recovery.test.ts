/** All of a fleet were due while ZTS was away, and it comes back. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createFleet, type Fleet } from './fleet.ts'
import { duringOutages } from './outages.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const LIFE = 24 * HOUR
const AGENTS = 5_000
/** Long enough that everybody waits as long as anybody ever does. */
const OUTAGE = 30 * MINUTE

let fleet: Fleet

beforeAll(async () => {
  fleet = createFleet({ seed: 30, lifeMs: LIFE, issuer: duringOutages([{ from: 0, to: OUTAGE }]) })
  for (let i = 0; i < AGENTS; i++) fleet.start((0.6 + (0.35 * i) / AGENTS) * LIFE)
  await fleet.clock.run(OUTAGE + 10 * MINUTE)
})
afterAll(() => fleet.close())

const fullest = (moments: readonly number[], bucketMs: number): number =>
  Math.max(...Map.groupBy(moments, (at) => Math.floor(at / bucketMs)).values().map((bucket) => bucket.length))

test('5 000 agents come back within ten minutes, each once, in no second more than 2 % of them (T30)', () => {
  const comebacks = fleet.calls.filter(({ at }) => at >= OUTAGE)
  expect(new Set(comebacks.map(({ pod }) => pod)).size).toBe(AGENTS)
  expect(comebacks).toHaveLength(AGENTS)
  expect(fullest(comebacks.map(({ at }) => at), 1_000)).toBeLessThanOrEqual(0.02 * AGENTS)
})

test('the herd that came back is none in the next cycle: no hundredth of it holds more than 2 % of the fleet (T30)', () => {
  const moments = fleet.held().map(({ renewAt }) => renewAt)
  expect(moments).toHaveLength(AGENTS)
  const [first, last] = [Math.min(...moments), Math.max(...moments)]
  expect(last - first).toBeGreaterThan(4 * HOUR)
  expect(fullest(moments, (last - first) / 100)).toBeLessThanOrEqual(0.02 * AGENTS)
})
