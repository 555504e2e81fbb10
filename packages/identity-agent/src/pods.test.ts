import type { Pod } from '@pallas/identity'
import { aPod } from '@pallas/identity/testing'
import { FakeClock } from '@pallas/runtime/testing'
import { expect, test } from 'vitest'
import { ABSENT_MS, createPods, findPod } from './pods.ts'

const POD = aPod()
const dataOf = ({ namespace, name, uid, serviceAccount }: Pod) => ({
  namespace,
  name,
  uid,
  serviceAccount,
  mountDir: '/m',
  createdAt: '2030-01-01T00:00:00Z',
})

const other = aPod({ name: 'web-1', uid: 'cccccccc-0d7c-4c58-9c3a-2a7f6a1f0c11' })

test('the pod is the one with the UID of the volume, wherever it stands in the list (W8)', () => {
  expect(findPod([other, POD], dataOf(POD))).toBe(POD)
})

test('a pod of the same name that has not gone yet does not stand in the way of its successor', () => {
  const before = { ...POD, uid: other.uid, deleting: true }
  expect(findPod([before, POD], dataOf(POD))).toBe(POD)
})

test.each<[string, readonly Pod[], string]>([
  ['is not shown', [other], 'POD_NOT_SEEN_YET'],
  ['is not shown by a kubelet that shows none', [], 'POD_NOT_SEEN_YET'],
  ['has no address yet', [{ ...POD, ip: '' }], 'POD_IP_PENDING'],
  ['is on the network of its host and has no address yet', [{ ...POD, ip: '', hostNetwork: true }], 'POD_IP_PENDING'],
])('a pod that %s is waited for (W29)', (_name, pods, code) => {
  expect(findPod(pods, dataOf(POD))).toBe(code)
})

test.each<[string, readonly Pod[], string]>([
  ['was made anew under its name', [{ ...POD, uid: other.uid }], 'POD_UNKNOWN'],
  ['has another name than its volume says', [{ ...POD, name: 'web-9' }], 'POD_UNKNOWN'],
  ['has another namespace than its volume says', [{ ...POD, namespace: 'other' }], 'POD_UNKNOWN'],
  ['has succeeded', [{ ...POD, phase: 'Succeeded' }], 'POD_ENDED'],
  ['has failed and lost its address', [{ ...POD, phase: 'Failed', ip: '' }], 'POD_ENDED'],
])('a pod that %s is denied', (_name, pods, code) => {
  expect(() => findPod(pods, dataOf(POD))).toThrow(expect.objectContaining({ code }))
})

/** Shows that the kubelet has heard from the API server. */
const OTHER = aPod({ name: 'other-0', uid: 'dddddddd-0d7c-4c58-9c3a-2a7f6a1f0c11', annotations: { 'kubernetes.io/config.source': 'api' } })

/** A kubelet whose answer the test sets, and a wait that is over at once, unless told otherwise. */
function asked(waitMs = 0) {
  const clock = new FakeClock()
  const kubelet = { shows: [OTHER] as readonly Pod[], pods: async () => kubelet.shows }
  const pods = createPods({ kubelet, clock, waitMs })
  const { signal } = new AbortController()
  return { clock, kubelet, ask: () => pods.settled(dataOf(POD), signal) }
}

test('a pod that runs is not denied by a kubelet that has just started, however old its volume is', async () => {
  const { clock, kubelet, ask } = asked()
  kubelet.shows = [POD]
  expect(await ask()).toBe(POD)
  await clock.advance(24 * 3_600_000)
  kubelet.shows = [OTHER]
  await expect(ask()).rejects.toMatchObject({ code: 'POD_NOT_SEEN_YET', kind: 'unavailable' })
  await clock.advance(ABSENT_MS - 1)
  await expect(ask()).rejects.toMatchObject({ code: 'POD_NOT_SEEN_YET' })
  kubelet.shows = [POD]
  expect(await ask()).toBe(POD)
  kubelet.shows = [OTHER]
  await clock.advance(ABSENT_MS)
  await expect(ask()).rejects.toMatchObject({ code: 'POD_NOT_SEEN_YET' })
})

test('a pod that the kubelet has long not shown is denied, and stays so while it is asked for', async () => {
  const { clock, ask } = asked()
  await expect(ask()).rejects.toMatchObject({ code: 'POD_NOT_SEEN_YET' })
  for (let n = 0; n < 5; n++) {
    await clock.advance(ABSENT_MS)
    await expect(ask()).rejects.toMatchObject({ code: 'POD_UNKNOWN', kind: 'denied' })
  }
})

test.each([
  ['no pod at all', []],
  ['static pods alone', [{ ...OTHER, annotations: { 'kubernetes.io/config.source': 'file' } }]],
])('a kubelet that shows %s has not heard from the API server: nobody is denied for that, however long (T28, T29)', async (_name, shows) => {
  const { clock, kubelet, ask } = asked()
  kubelet.shows = shows
  for (let n = 0; n < 5; n++) {
    await expect(ask()).rejects.toMatchObject({ code: 'POD_NOT_SEEN_YET', kind: 'unavailable' })
    await clock.advance(12 * 3_600_000)
  }
})

test('a pod that was made anew under its name is not denied for what was so before (T07)', async () => {
  const { clock, kubelet, ask } = asked(30_000)
  kubelet.shows = [{ ...POD, uid: other.uid }]
  const answer = ask()
  await clock.advance(200)
  kubelet.shows = [POD]
  await clock.advance(200)
  expect(await answer).toBe(POD)
})

test('a pod whose name another one has is denied when that is no old news any more (T07)', async () => {
  const { clock, kubelet, ask } = asked(30_000)
  kubelet.shows = [{ ...POD, uid: other.uid }]
  const denied = expect(ask()).rejects.toMatchObject({ code: 'POD_UNKNOWN', kind: 'denied' })
  for (let waited = 0; waited <= 1_000; waited += 200) await clock.advance(200)
  await denied
})
