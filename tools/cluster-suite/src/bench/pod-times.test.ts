import { KubernetesError, type KubeObject } from '@pallas/kubernetes'
import { ScriptedPodApi } from '@pallas/kubernetes/testing'
import { eventually } from '@pallas/suite'
import { expect, test } from 'vitest'
import { watchPodTimes } from './pod-times.ts'

const pod = (uid: string, ready: boolean): KubeObject => ({
  metadata: { uid, resourceVersion: '2' },
  status: { conditions: [{ type: 'PodScheduled', status: 'True' }, { type: 'Ready', status: ready ? 'True' : 'False' }] },
})

async function watched() {
  const api = new ScriptedPodApi()
  let time = 0
  const times = await watchPodTimes(api, { namespace: 'shop', now: () => ++time })
  await eventually('a watch', () => api.watches.at(-1))
  const send = (type: 'ADDED' | 'MODIFIED' | 'DELETED', object: KubeObject) => api.current.sendRaw({ type, object, resourceVersion: '2' })
  return { api, times, send }
}

test('a pod is ready with the first event that says so, and gone with the one that deletes it', async () => {
  const { times, send } = await watched()
  await using _ = times
  send('ADDED', pod('a', false))
  send('MODIFIED', pod('a', true))
  send('MODIFIED', pod('a', true))
  send('DELETED', pod('a', true))
  expect(await times.ready('a', 5_000)).toBe(2)
  expect(await times.gone('a', 5_000)).toBe(4)
  expect(times.gaps()).toBe(0)
})

test('a pod that is not ready in time is an error', async () => {
  const { times, send } = await watched()
  await using _ = times
  send('ADDED', pod('a', false))
  await expect(times.ready('a', 1)).rejects.toThrow('not in time: pod a to be ready')
})

test('nobody waits for a pod that went before it was ready', async () => {
  const { times, send } = await watched()
  await using _ = times
  send('ADDED', pod('a', false))
  send('DELETED', pod('a', false))
  await expect(times.ready('a', 600_000)).rejects.toThrow('pod a went before it was ready')
})

test('a watch that the server ends goes on where it was; one that breaks is a gap, over which a pod can have gone', async () => {
  const { api, times, send } = await watched()
  await using _ = times
  send('ADDED', pod('a', true))
  await times.ready('a', 5_000)
  api.current.end()
  await eventually('the next watch', () => api.watches[1])
  expect(api.lists).toHaveLength(1)
  expect(times.gaps()).toBe(0)
  api.current.fail(new KubernetesError('KUBE_GONE', 'too old'))
  await times.gone('a', 5_000)
  expect(times.gaps()).toBe(1)
})
