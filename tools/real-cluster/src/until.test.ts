import { expect, test } from 'vitest'
import { until } from './until.ts'

test('what fails at first may still come', async () => {
  let asked = 0
  const test = () => {
    asked += 1
    if (asked < 3) throw new Error('not yet')
    return true
  }
  await until(test, { what: 'the third time', deadlineMs: 30_000, pollMs: 1 })
  expect(asked).toBe(3)
})

test('what does not come in time is named, with what can be said about it and the last failure', async () => {
  const waited = until(() => Promise.reject(new Error('still not')), { what: 'the kubelet', deadlineMs: 0, explain: () => 'its log' })
  await expect(waited).rejects.toMatchObject({ code: 'CLUSTER_NOT_READY', message: expect.stringContaining('the kubelet'), detail: 'its log', cause: { message: 'still not' } })
})

test('who is asked to stop does, with the reason', async () => {
  const stop = new AbortController()
  const waited = until(() => (stop.abort(new Error('asked to stop')), false), { what: 'nothing', deadlineMs: 30_000, signal: stop.signal })
  await expect(waited).rejects.toThrow('asked to stop')
})
