import type { Pod } from '@pallas/identity'
import { aPod } from '@pallas/identity/testing'
import { KubernetesError } from '@pallas/kubernetes'
import { ScriptedPodApi } from '@pallas/kubernetes/testing'
import { FakeClock, memoryLog } from '@pallas/runtime/testing'
import { describe, expect, test } from 'vitest'
import { followPods } from './followed-pods.ts'

const web = aPod({ name: 'web', uid: 'u-1' })
const away = new KubernetesError('KUBE_UNREACHABLE', 'away')

async function open(listing: ScriptedPodApi['listing'] = { pods: [web], resourceVersion: '7' }) {
  const api = new ScriptedPodApi()
  api.listing = listing
  const clock = new FakeClock()
  const pods = followPods({ api, clock, log: memoryLog().log })
  const settle = () => clock.advance(0)
  const tell = async (type: 'ADDED' | 'MODIFIED' | 'DELETED', pod: Pod) => {
    api.current.send(type, pod, '8')
    await settle()
  }
  await settle()
  return { api, clock, pods, tell, settle, [Symbol.asyncDispose]: () => pods[Symbol.asyncDispose]() }
}

test('only pods on a node that have not ended are watched, and no annotation of theirs is kept', async () => {
  await using it = await open({ pods: [{ ...web, annotations: { note: 'long' } }], resourceVersion: '7' })
  const fieldSelector = 'spec.nodeName!=,status.phase!=Succeeded,status.phase!=Failed'
  expect(it.api.lists).toMatchObject([{ fieldSelector }])
  expect(it.api.current.query).toMatchObject({ fieldSelector })
  expect(it.pods.byUid('u-1')).toEqual(web)
})

test.each<[string, Partial<Pod>]>([
  ['is terminating', { deleting: true }],
  ['has another address', { ip: '10.1.2.4' }],
])('that a pod %s is known when it is told', async (_name, change) => {
  await using it = await open()
  await it.tell('MODIFIED', { ...web, ...change })
  expect(it.pods.byUid('u-1')).toMatchObject(change)
})

test('a pod that was replaced under its name is unknown, told or not', async () => {
  await using it = await open()
  await it.tell('ADDED', aPod({ name: 'web', uid: 'u-9', node: 'node-2' }))
  expect(it.pods.byUid('u-1')).toBeUndefined()
  expect(it.pods.byUid('u-9')).toMatchObject({ node: 'node-2' })
})

test('a pod that is gone is unknown', async () => {
  await using it = await open()
  await it.tell('DELETED', web)
  expect(it.pods.byUid('u-1')).toBeUndefined()
})

describe('what is known counts', () => {
  test('for as long as watches end and begin again as they should', async () => {
    await using it = await open()
    for (let n = 0; n < 10; n++) {
      await it.clock.advance(10_000)
      expect(it.pods.byUid('u-1')).toEqual(web)
      it.api.current.end()
      await it.settle()
    }
    expect(it.api.lists).toHaveLength(1)
  })

  test('no more when the watch has died in silence; again with its first news', async () => {
    await using it = await open()
    await it.clock.advance(15_000)
    expect(it.pods.byUid('u-1')).toEqual(web)
    await it.clock.advance(1)
    expect(it.pods.byUid('u-1')).toBeUndefined()
    it.api.current.fail(new KubernetesError('KUBE_TIMEOUT', 'stalled'))
    await it.clock.advance(200)
    expect(it.pods.byUid('u-1')).toBeUndefined()
    await it.tell('ADDED', aPod({ name: 'db', uid: 'u-2' }))
    expect(it.pods.byUid('u-1')).toEqual(web)
  })

  test('for seconds while the API server is away, and no more in an outage that lasts', async () => {
    await using it = await open()
    it.api.current.fail(away)
    it.api.listing = away
    await it.clock.advance(10_000)
    expect(it.pods.byUid('u-1')).toEqual(web)
    await it.clock.advance(5_001)
    expect(it.pods.byUid('u-1')).toBeUndefined()
  })

  test('not from the first word that there is a gap (410) until a new list, which shows what was missed', async () => {
    await using it = await open()
    it.api.listing = away
    it.api.current.fail(new KubernetesError('KUBE_GONE', 'expired'))
    await it.settle()
    expect(it.pods.byUid('u-1')).toBeUndefined()
    it.api.listing = { pods: [{ ...web, ip: '10.1.2.4' }], resourceVersion: '50' }
    await it.clock.advance(1_000)
    expect(it.pods.byUid('u-1')).toMatchObject({ ip: '10.1.2.4' })
  })

  test('not before the first list', async () => {
    await using it = await open(away)
    expect(it.pods.byUid('u-1')).toBeUndefined()
    it.api.listing = { pods: [web], resourceVersion: '7' }
    await it.clock.advance(1_000)
    expect(it.pods.byUid('u-1')).toEqual(web)
  })
})
