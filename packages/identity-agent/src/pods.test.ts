import type { Pod } from '@pallas/identity'
import { aPod } from '@pallas/identity/testing'
import { expect, test } from 'vitest'
import { findPod } from './pods.ts'

const POD = aPod()
const NOW = 1_893_456_000_000
const MINUTE = 60_000

const dataOf = ({ namespace, name, uid, serviceAccount }: Pod, ageMs: number) => ({
  namespace,
  name,
  uid,
  serviceAccount,
  mountDir: '/m',
  createdAt: Temporal.Instant.fromEpochMilliseconds(NOW - ageMs).toString(),
})

const other = aPod({ name: 'web-1', uid: 'cccccccc-0d7c-4c58-9c3a-2a7f6a1f0c11' })

test('the pod is the one with the UID of the volume, wherever it stands in the list', () => {
  expect(findPod([other, POD], dataOf(POD, MINUTE), NOW)).toBe(POD)
})

test('a pod of the same name that has not gone yet does not stand in the way of its successor', () => {
  const before = { ...POD, uid: other.uid, deleting: true }
  expect(findPod([before, POD], dataOf(POD, MINUTE), NOW)).toBe(POD)
})

test.each<[string, readonly Pod[], number, string]>([
  ['is not shown and its volume is new', [other], 1_000, 'POD_NOT_SEEN_YET'],
  ['is not shown and the clock was set back since', [other], -5 * MINUTE, 'POD_NOT_SEEN_YET'],
  ['has no address yet', [{ ...POD, ip: '' }], 5 * MINUTE, 'POD_IP_PENDING'],
  ['is on the network of its host and has no address yet', [{ ...POD, ip: '', hostNetwork: true }], 0, 'POD_IP_PENDING'],
])('a pod that %s is waited for', (_name, pods, age, code) => {
  expect(findPod(pods, dataOf(POD, age), NOW)).toBe(code)
})

test.each<[string, readonly Pod[], string]>([
  ['is not shown', [other], 'POD_UNKNOWN'],
  ['was made anew under its name', [{ ...POD, uid: other.uid }], 'POD_UNKNOWN'],
  ['has another name than its volume says', [{ ...POD, name: 'web-9' }], 'POD_UNKNOWN'],
  ['has another namespace than its volume says', [{ ...POD, namespace: 'other' }], 'POD_UNKNOWN'],
  ['has succeeded', [{ ...POD, phase: 'Succeeded' }], 'POD_ENDED'],
  ['has failed and lost its address', [{ ...POD, phase: 'Failed', ip: '' }], 'POD_ENDED'],
])('a pod that %s is denied', (_name, pods, code) => {
  expect(() => findPod(pods, dataOf(POD, 5 * MINUTE), NOW)).toThrow(expect.objectContaining({ code }))
})

test('a volume that says nonsense of its age is old', () => {
  const data = { ...dataOf(POD, 0), createdAt: 'yesterday' }
  expect(() => findPod([], data, NOW)).toThrow(expect.objectContaining({ code: 'POD_UNKNOWN' }))
})
