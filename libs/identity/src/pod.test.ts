import { expect, test } from 'vitest'
import { podState } from './pod.ts'
import { aPod } from './testing/index.ts'

test.each([
  ['Pending', false, 'live'],
  ['Running', false, 'live'],
  ['Unknown', false, 'live'],
  ['Running', true, 'terminating'],
  ['Pending', true, 'terminating'],
  ['Succeeded', false, 'ended'],
  ['Failed', true, 'ended'],
] as const)('a pod that is %s, deleting: %s, is %s', (phase, deleting, state) => {
  expect(podState(aPod({ phase, deleting }))).toBe(state)
})
