import { describe, expect, test } from 'vitest'
import type { HostUnderTest } from './under-test.ts'

export function describeClock(open: () => Promise<HostUnderTest>): void {
  describe('clock', () => {
    test('a sleep ends when its time has passed, and not before', async () => {
      await using it = await open()
      const { clock } = it.host
      const before = clock.monotonic()
      const slept = clock.sleep(30)
      await it.pass(60)
      await slept
      expect(clock.monotonic() - before).toBeGreaterThanOrEqual(29)
    })

    test('an abort ends a sleep at once, with the reason', async () => {
      await using it = await open()
      const stop = new AbortController()
      const slept = it.host.clock.sleep(600_000, stop.signal)
      stop.abort(new Error('enough'))
      await expect(slept).rejects.toThrow('enough')
    })

    test('a sleep of decades does not end at once', async () => {
      await using it = await open()
      const stop = new AbortController()
      let isOver = false
      const slept = it.host.clock.sleep(2 ** 40, stop.signal).finally(() => (isOver = true))
      slept.catch(() => undefined)
      await it.pass(60)
      expect(isOver).toBe(false)
      stop.abort(new Error('enough'))
      await expect(slept).rejects.toThrow('enough')
    })

    test('whoever has been aborted does not fall asleep', async () => {
      await using it = await open()
      const stop = new AbortController()
      stop.abort(new Error('enough'))
      await expect(it.host.clock.sleep(600_000, stop.signal)).rejects.toThrow('enough')
    })

    test('chance lies between zero and one', async () => {
      await using it = await open()
      for (let draws = 0; draws < 100; draws++) {
        const value = it.host.clock.random()
        expect(value >= 0 && value < 1).toBe(true)
      }
    })

    test('the wall clock is an epoch in milliseconds', async () => {
      await using it = await open()
      expect(it.host.clock.now()).toBeGreaterThan(Date.UTC(2026, 0))
    })
  })
}
