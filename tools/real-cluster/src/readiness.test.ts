import { expect, test } from 'vitest'
import { isNodeReady } from './readiness.ts'

const ready = { type: 'Ready', status: 'True' }

test.each([
  ['a node that says so is ready', { spec: {}, status: { conditions: [{ type: 'DiskPressure', status: 'False' }, ready] } }, true],
  ['one that still has a taint is not', { spec: { taints: [{}] }, status: { conditions: [ready] } }, false],
  ['one that says no is not', { spec: {}, status: { conditions: [{ type: 'Ready', status: 'False' }] } }, false],
  ['one that has said nothing is not', {}, false],
])('%s', (_name, node, verdict) => {
  expect(isNodeReady(node)).toBe(verdict)
})

const OUTAGE = Date.parse('2030-01-01T00:00:10.5Z')

test.each([
  ['what a node said before it lost its power is nothing', '2030-01-01T00:00:10Z', false],
  ['what it says since then holds', '2030-01-01T00:00:11Z', true],
  ['a node that does not say when has said it before', undefined, false],
])('%s', (_name, lastHeartbeatTime, verdict) => {
  const condition = lastHeartbeatTime === undefined ? ready : { ...ready, lastHeartbeatTime }
  expect(isNodeReady({ spec: {}, status: { conditions: [condition] } }, OUTAGE)).toBe(verdict)
})
