import { expect, test } from 'vitest'
import { aborted, unlessAborted } from './stop-signal.ts'

test('work that is done is its result, and work that fails its error', async () => {
  const { signal } = new AbortController()
  expect(await unlessAborted(Promise.resolve(7), signal)).toBe(7)
  await expect(unlessAborted(Promise.reject(new Error('broken')), signal)).rejects.toThrow('broken')
})

test('work that is given up is given up at once, however it ends', async () => {
  const stop = new AbortController()
  const work = Promise.withResolvers<number>()
  const outcome = unlessAborted(work.promise, stop.signal)
  stop.abort(new Error('asked to stop'))
  await expect(outcome).rejects.toThrow('asked to stop')
  work.reject(new Error('later'))
  await aborted(stop.signal)
})
