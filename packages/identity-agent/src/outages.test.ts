import { FakeClock } from '@pallas/runtime/testing'
import { expect, test } from 'vitest'
import { createOutages, FORGOTTEN_MS, LONG_MS } from './outages.ts'

test('an outage is long when attempts have failed for so long, not before', async () => {
  const clock = new FakeClock()
  const outages = createOutages(clock)
  expect(outages.isLong('u')).toBe(false)
  await clock.advance(LONG_MS - 1)
  expect(outages.isLong('u')).toBe(false)
  await clock.advance(1)
  expect(outages.isLong('u')).toBe(true)
  expect(outages.isLong('other')).toBe(false)
})

test('success ends it, and so does a long silence', async () => {
  const clock = new FakeClock()
  const outages = createOutages(clock)
  outages.isLong('u')
  await clock.advance(LONG_MS)
  outages.over('u')
  expect(outages.isLong('u')).toBe(false)
  await clock.advance(FORGOTTEN_MS + 1)
  expect(outages.isLong('u')).toBe(false)
})

test('a refresher that asks once an hour is in one outage', async () => {
  const clock = new FakeClock()
  const outages = createOutages(clock)
  outages.isLong('u')
  await clock.advance(3_600_000)
  expect(outages.isLong('u')).toBe(true)
})

test('however many pods ask in vain, so many are remembered', () => {
  const outages = createOutages(new FakeClock())
  for (let n = 0; n < 5_000; n++) outages.isLong(`u-${n}`)
  expect(outages.size).toBe(1_024)
})
