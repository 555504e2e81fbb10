import { expect, test } from 'vitest'
import { startedAt } from './replicas.ts'

const running = (startedAt: string) => ({ state: { running: { startedAt } } })
const EARLIER = '2030-01-01T00:00:10Z'
const LATER = '2030-01-01T00:00:20Z'

test.each([
  ['a pod runs since the last of its containers has started', [running(LATER), running(EARLIER)], Date.parse(LATER)],
  ['one of whose containers one has ended does not', [running(EARLIER), { state: {} }], 0],
  ['nor one of whose containers nothing is known', [running(EARLIER), {}], 0],
  ['nor one without containers yet', undefined, 0],
])('%s', (_name, containerStatuses, time) => {
  expect(startedAt({ status: containerStatuses === undefined ? {} : { containerStatuses } })).toBe(time)
})
