import { expect, test } from 'vitest'
import { createRequestIds, systemClock } from './index.ts'

test('a sleep ends with the reason of its signal, at once', async () => {
  const stop = new AbortController()
  const asleep = systemClock.sleep(60_000, stop.signal)
  stop.abort('enough')
  await expect(asleep).rejects.toBe('enough')
  await expect(systemClock.sleep(60_000, stop.signal)).rejects.toBe('enough')
})

test('a sleep longer than a timer can be does not end at once', async () => {
  const first = await Promise.race([systemClock.sleep(2 ** 32, AbortSignal.timeout(30)).catch(() => 'aborted'), systemClock.sleep(10)])
  expect(first).toBeUndefined()
})

test('elapsed time never goes back, chance is between 0 and 1', () => {
  const before = systemClock.monotonic()
  expect(systemClock.monotonic()).toBeGreaterThanOrEqual(before)
  expect(systemClock.random()).toBeLessThan(1)
})

test('request ids differ within a process and between processes', () => {
  const next = createRequestIds()
  expect(next()).not.toBe(next())
  expect(createRequestIds()()).not.toBe(createRequestIds()())
})
