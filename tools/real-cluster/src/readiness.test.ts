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
