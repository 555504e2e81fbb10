/** Replicas whose clocks are not that of the API server (T27). */
import { eventually } from '@pallas/kubernetes/testing'
import { systemClock } from '@pallas/runtime'
import { FakeClock } from '@pallas/runtime/testing'
import { expect, test } from 'vitest'
import { createServerClock } from './server-clock.ts'
import { openReplicas } from './testing/replicas.ts'

const [MINUTE, HOUR] = [60_000, 3_600_000]
const aheadBy = (ms: number) => ({ ...systemClock, now: () => systemClock.now() + ms })
const DIFFER = 'the clock of this replica and that of the api server differ by more than five minutes'
const LIFE = { certificateLife: '24h' }

test.each([
  ['fast', 25 * HOUR],
  ['slow', -25 * HOUR],
])('a replica whose clock is a day %s is not ready and says why, and those of the others stay and serve (T27)', async (_what, ms) => {
  await using it = await openReplicas()
  const right = await it.start('web-a', LIFE)
  await eventually(async () => ((await right.readiness()) === 'ready' ? true : undefined))
  const wrong = await it.start('web-b', LIFE, aheadBy(ms))
  await eventually(async () => ((await wrong.metrics.value('ca_bundle_failures_total', { code: 'CLOCK_DIFFERS' })) ?? 0) > 1 || undefined)
  expect(await wrong.readiness()).toBe(DIFFER)
  expect(Math.abs(((await wrong.metrics.value('clock_ahead_seconds')) ?? 0) - ms / 1_000)).toBeLessThan(MINUTE / 1_000)
  expect(await it.pods()).toEqual(['web-a'])
  expect(await right.readiness()).toBe('ready')
  right.call()
  expect(await it.isInjected()).toBe(true)
})

test('a clock that somebody sets wrong makes its replica unready until it is set right, and takes nothing away meanwhile (T27)', async () => {
  await using it = await openReplicas()
  let ahead = 0
  const [right, set] = [await it.start('web-a', LIFE), await it.start('web-b', LIFE, { ...systemClock, now: () => systemClock.now() + ahead })]
  const readiness = (text: string) => eventually(async () => ((await set.readiness()) === text ? true : undefined))
  await eventually(async () => ((await right.readiness()) === 'ready' ? true : undefined))
  await readiness('ready')
  ahead = 25 * HOUR
  await readiness(DIFFER)
  await eventually(async () => ((await set.metrics.value('ca_bundle_failures_total', { code: 'CLOCK_DIFFERS' })) ?? 0) > 1 || undefined)
  expect((await it.pods()).toSorted()).toEqual(['web-a', 'web-b'])
  ahead = 0
  await readiness('ready')
})

test.each([
  ['fast', 4 * MINUTE],
  ['slow', -4 * MINUTE],
])('a replica whose clock is some minutes %s is believed (T27)', async (_what, ms) => {
  await using it = await openReplicas()
  const replica = await it.start('web-a', LIFE, aheadBy(ms))
  await eventually(async () => ((await replica.readiness()) === 'ready' ? true : undefined))
  replica.call()
  expect(await it.isInjected()).toBe(true)
})

test('between two answers the time of the server goes on, also where somebody sets our clock', async () => {
  const clock = new FakeClock()
  const server = createServerClock(clock)
  expect([server.now(), server.aheadMs()]).toEqual([undefined, undefined])
  server.told(clock.now() - HOUR)
  expect(server.aheadMs()).toBe(HOUR)
  await clock.advance(MINUTE)
  expect([server.now(), server.aheadMs()]).toEqual([clock.now() - HOUR, HOUR])
  clock.jump(-HOUR)
  expect(server.aheadMs()).toBe(0)
})
