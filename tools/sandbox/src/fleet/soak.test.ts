/**
 * A day of short certificates and bad weather, and an hour of pods that come and go. How long an outage may be follows from
 * the rules: of 10 min four are left when a renewal is due at the latest (of a first one two and a half), and retries slow
 * down to an eighth of what is left.
 */
import { expect, test } from 'vitest'
import { createFleet, type Fleet, type IssuerState, type Lapse } from './fleet.ts'
import { duringOutages, type Outage, outagesOf } from './outages.ts'
import { createRandom, type VirtualClock } from './virtual-clock.ts'

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const PODS = 30

/** Another day each day, and the same when it is asked for: what went wrong says its seed. */
const SEED = Number(process.env['SEED'] ?? Math.floor(Date.now() / DAY))

interface Soak {
  readonly fleet: Fleet
  readonly outages: readonly Outage[]
}

async function soak(lifeMs: number): Promise<Soak> {
  const random = createRandom(SEED)
  const outages = outagesOf({ untilMs: DAY, longestMs: lifeMs / 2, calmMs: 4 * lifeMs, random })
  const isAway = duringOutages(outages)
  const issuer = (clock: VirtualClock): IssuerState => {
    const chance = clock.random()
    if (chance < 0.02) return 'away'
    return chance < 0.04 ? { busyMs: 20 * SECOND * clock.random() } : isAway(clock)
  }
  const fleet = createFleet({ seed: SEED, lifeMs, issuer })
  for (let i = 0; i < PODS; i++) fleet.start((i / PODS) * 0.4 * lifeMs)
  await fleet.clock.run(DAY)
  await fleet.close()
  return { fleet, outages }
}

/** The longest that ZTS was away while the certificate that lapsed was to be renewed. */
const outageBehind = ({ from, to }: Lapse, outages: readonly Outage[], lifeMs: number): number =>
  Math.max(0, ...outages.filter((outage) => outage.to > from - lifeMs && outage.from < to).map((outage) => outage.to - outage.from))

test.each([
  ['10 min', 'two and a half minutes', 10 * MINUTE, 2.5 * MINUTE],
  ['an hour', 'a quarter of an hour', HOUR, 15 * MINUTE],
])(`a day with certificates of %s: nobody holds an expired one unless ZTS was away for more than %s (seed ${SEED}) (T40)`, async (_life, _promised, lifeMs, promisedMs) => {
  const { fleet, outages } = await soak(lifeMs)
  expect(fleet.calls.length).toBeGreaterThan((PODS * DAY) / lifeMs)
  expect(outages.length).toBeGreaterThan(5)
  const broken = fleet.lapses.filter((lapse) => outageBehind(lapse, outages, lifeMs) <= promisedMs)
  expect(broken, `seed ${SEED}`).toEqual([])
})

test('ten pods a second come and go for an hour: no sleep, no call and no memory is left of those that have ended (T39)', async () => {
  const fleet = createFleet({ seed: 39, lifeMs: 10 * MINUTE })
  const live: number[] = []
  for (let tenths = 0; tenths < HOUR / 100; tenths++) {
    live.push(fleet.start())
    const [oldest] = live.length > 300 ? live.splice(0, 1) : []
    if (oldest !== undefined) fleet.end(oldest)
    await fleet.clock.run((tenths + 1) * 100)
  }
  expect(fleet.clock.sleeping).toBe(300)
  expect(fleet.held()).toHaveLength(300)
  await fleet.clock.run(HOUR + 20 * MINUTE)
  const ghosts = fleet.calls.filter(({ at, pod }) => at > HOUR && !live.includes(pod))
  expect(ghosts).toEqual([])
  await fleet.close()
  expect(fleet.clock.sleeping).toBe(0)
})
