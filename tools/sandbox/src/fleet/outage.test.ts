/**
 * A fleet through an outage, in virtual time. What the rules promise is what is judged: a certificate renewed between 40 and
 * 60 % of its life (the first between 25 and 75 %) outlives an outage of what is left then, and no longer one.
 */
import { expect, test } from 'vitest'
import { createFleet, type Fleet } from './fleet.ts'
import { duringOutages } from './outages.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const LIFE = 24 * HOUR
const PODS = 150

/** Pods in the middle of their lives, and when ZTS goes, by when their moments have spread. */
async function through(hours: number): Promise<Fleet> {
  const from = 24 * HOUR
  const to = from + hours * HOUR
  const fleet = createFleet({ seed: 28, lifeMs: LIFE, issuer: duringOutages([{ from, to }]) })
  for (let i = 0; i < PODS; i++) fleet.start((i / PODS) * 0.4 * LIFE)
  await fleet.clock.run(to + 75 * MINUTE)
  await fleet.close()
  return fleet
}

test('ZTS is down for 9½ h, certificates live 24 h: nobody holds an expired one, and within little more than an hour all that are due are renewed (T28)', async () => {
  const fleet = await through(9.5)
  expect(fleet.lapses).toEqual([])
  const failed = new Set(fleet.calls.filter(({ issued }) => !issued).map(({ pod }) => pod))
  const renewed = new Set(fleet.calls.filter(({ issued, at }) => issued && at >= (24 + 9.5) * HOUR).map(({ pod }) => pod))
  expect(failed.size).toBeGreaterThan(PODS / 2)
  expect(failed.isSubsetOf(renewed)).toBe(true)
})

test('ZTS is down for 12 h, certificates live 24 h: at most one in ten outlives its certificate, and none by more than 2½ h (T28)', async () => {
  const { lapses } = await through(12)
  expect(lapses.length).toBeLessThanOrEqual(PODS / 10)
  expect(Math.max(0, ...lapses.map(({ from, to }) => to - from))).toBeLessThan(2.5 * HOUR)
})

test('in an outage each asks again every half hour or so, not every second: retries slow down and stay apart (T28)', async () => {
  const fleet = await through(2)
  const failed = fleet.calls.filter(({ issued, at }) => !issued && at < 26 * HOUR)
  const waiting = new Set(failed.map(({ pod }) => pod)).size
  expect(failed.length).toBeLessThan(waiting * 25)
  expect(new Set(failed.map(({ at }) => at)).size).toBeGreaterThan(0.99 * failed.length)
})
