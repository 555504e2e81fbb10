import type { Pod } from '@pallas/identity'
import { aPod } from '@pallas/identity/testing'
import { KubernetesError } from '@pallas/kubernetes'
import { FakeClock } from '@pallas/runtime/testing'
import { expect, test } from 'vitest'
import { createPodEventQueue } from './pod-events.ts'
import { openPodEvents, recordPodEvents } from './record-pod-events.ts'

const POD = aPod({ namespace: 'media', name: 'web-0' })

/** A recorder over an API server and a kubelet that do as they are told. */
function open() {
  const clock = new FakeClock()
  const outcomes: string[] = []
  const off: string[] = []
  const created: { path: string; object: object }[] = []
  const it = {
    clock,
    outcomes,
    off,
    created,
    shown: [POD] as readonly Pod[] | Error,
    answer: (): Promise<void> => Promise.resolve(),
  }
  const queue = createPodEventQueue({ clock, onDropped: () => outcomes.push('dropped') })
  const api = {
    create: async (path: string, object: object) => {
      await it.answer()
      created.push({ path, object })
      return { metadata: {} }
    },
  }
  const kubelet = { pods: async () => (it.shown instanceof Error ? Promise.reject(it.shown) : it.shown) }
  const events = {
    podEventEnded: (outcome: string, problem = '') => void outcomes.push(`${outcome}${problem}`),
    podEventsOff: (path: string) => void off.push(path),
  }
  const deps = { queue, kubelet, clock, events, host: 'node-1' }
  return Object.assign(it, { queue, deps, record: () => recordPodEvents(api, deps) })
}

const denied = (uid: string = POD.uid, reason: 'ISSUER_DENIED' | 'POD_ENDED' = 'ISSUER_DENIED') =>
  ({ uid, reason, trouble: 'not-issued' }) as const

test('an event is on the pod that the kubelet shows under that UID, with the reason letter for letter', async () => {
  const it = open()
  await using _recorder = it.record()
  it.queue.tell(denied())
  await expect.poll(() => it.outcomes).toEqual(['recorded'])
  expect(it.created[0]?.path).toBe('/api/v1/namespaces/media/events')
  expect(it.created[0]?.object).toMatchObject({
    involvedObject: { kind: 'Pod', namespace: 'media', name: 'web-0', uid: POD.uid },
    type: 'Warning',
    reason: 'ISSUER_DENIED',
    source: { component: 'athenz-identity-agent', host: 'node-1' },
  })
})

test('a stranger that is no pod is told nothing', async () => {
  const it = open()
  await using _recorder = it.record()
  it.queue.tell(denied('00000000-0000-4000-8000-000000000000'))
  await expect.poll(() => it.outcomes).toEqual(['no-pod'])
  expect(it.created).toEqual([])
})

test('while the kubelet is away its last word counts', async () => {
  const it = open()
  await using _recorder = it.record()
  it.queue.tell(denied())
  await expect.poll(() => it.outcomes).toEqual(['recorded'])
  it.shown = new Error('away')
  it.queue.tell(denied(POD.uid, 'POD_ENDED'))
  await expect.poll(() => it.outcomes).toEqual(['recorded', 'recorded'])
})

test('an api server that refuses costs that event, and the next is tried', async () => {
  const it = open()
  await using _recorder = it.record()
  it.answer = () => Promise.reject(new KubernetesError('KUBE_FORBIDDEN', 'no'))
  it.queue.tell(denied())
  await expect.poll(() => it.outcomes).toEqual(['failedKUBE_FORBIDDEN'])
  it.answer = () => Promise.resolve()
  it.queue.tell(denied(POD.uid, 'POD_ENDED'))
  await expect.poll(() => it.outcomes).toEqual(['failedKUBE_FORBIDDEN', 'recorded'])
})

test('one call at a time, and whoever tells waits for none', async () => {
  const it = open()
  const held = Promise.withResolvers<void>()
  let calls = 0
  it.answer = () => ((calls += 1), held.promise)
  await using _recorder = it.record()
  it.queue.tell(denied())
  it.queue.tell(denied(POD.uid, 'POD_ENDED'))
  await expect.poll(() => calls).toBe(1)
  expect(it.queue.size).toBe(1)
  held.resolve()
  await expect.poll(() => it.outcomes).toEqual(['recorded', 'recorded'])
})

test('without roots of an api server it is said once that nobody is told, and nothing piles up', async () => {
  const it = open()
  const settings = { apiServer: 'https://127.0.0.1:9', apiCa: '/nonexistent/ca.crt', apiTokenFile: '/nonexistent/token' }
  await using _recorder = await openPodEvents(settings, it.deps)
  expect(it.off).toEqual(['/nonexistent/ca.crt'])
  it.queue.tell(denied())
  expect(it.queue.size).toBe(0)
})
