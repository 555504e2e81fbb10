import { expect, test } from 'vitest'
import { boundInFlight } from './in-flight.ts'

test('one too many is told to come back, and its place is free again when work ends, well or not', async () => {
  const inFlight = boundInFlight(2)
  const first = Promise.withResolvers<string>()
  const second = Promise.withResolvers<string>()
  const running = [inFlight(() => first.promise), inFlight(() => second.promise)]
  await expect(inFlight(async () => 'third')).rejects.toMatchObject({ code: 'BUSY', retryAfterMs: 1_000 })

  first.reject(new Error('broken'))
  await expect(running[0]).rejects.toThrow('broken')
  expect(await inFlight(async () => 'third')).toBe('third')
  second.resolve('done')
  expect(await running[1]).toBe('done')
})
