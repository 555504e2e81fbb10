import { FakeClock } from '@pallas/host/testing'
import { type KubeObject, KubernetesError, type WatchEvent } from '@pallas/kubernetes'
import { expect, test } from 'vitest'
import { podWith } from '../testing/pod-parts.ts'
import { watchPods } from './kube-client.ts'

const object = (name: string): KubeObject => podWith({}, { name, uid: name }) as unknown as KubeObject
const event = (type: WatchEvent['type'], name: string, resourceVersion: string) => ({ type, object: object(name), resourceVersion }) as WatchEvent

/** Lists and watches as scripted; a watch after the last script never says anything. */
function openWatch(lists: readonly (readonly string[])[], watches: readonly (readonly (WatchEvent | Error)[])[]) {
  const clock = new FakeClock()
  const told: string[] = []
  const asked: unknown[] = []
  const stop = new AbortController()
  let listed = 0
  let watched = 0
  const done = watchPods(
    {
      clock,
      nodeName: 'node-1',
      kube: {
        list: async (_path, query) => {
          asked.push(query)
          const items = (lists[listed++] ?? []).map(object)
          return { items, resourceVersion: `list-${listed}`, continue: undefined }
        },
        async *watch(_path, query, signal) {
          asked.push(query)
          const script = watches[watched++]
          if (script === undefined) await new Promise((_resolve, reject) => signal?.addEventListener('abort', () => reject(signal.reason as Error)))
          for (const next of script ?? []) {
            if (next instanceof Error) throw next
            yield next
          }
        },
      },
      listed: (pods) => told.push(`listed ${pods.map(({ metadata }) => metadata.name).join()}`),
      seen: ({ metadata }) => told.push(`seen ${metadata.name}`),
      removed: ({ metadata }) => told.push(`removed ${metadata.name}`),
    },
    stop.signal,
  )
  return { clock, told, asked, stop, done }
}

test('it tells what there is, what changes and what is gone, of its node alone', async () => {
  const { clock, told, asked, stop, done } = openWatch([['a']], [[event('ADDED', 'b', '2'), event('MODIFIED', 'a', '3'), event('DELETED', 'b', '4')]])
  await clock.advance(0)
  expect(told).toEqual(['listed a', 'seen b', 'seen a', 'removed b'])
  expect(asked).toMatchObject([
    { fieldSelector: 'spec.nodeName=node-1' },
    { fieldSelector: 'spec.nodeName=node-1', resourceVersion: 'list-1' },
    { resourceVersion: '4' },
  ])
  stop.abort()
  await done
})

test('a watch that breaks is begun anew with a list, so that nothing is missed', async () => {
  const { clock, told, stop, done } = openWatch([['a'], ['c']], [[event('ADDED', 'b', '2'), new KubernetesError('KUBE_GONE', 'too old')]])
  await clock.advance(0)
  expect(told).toEqual(['listed a', 'seen b'])
  await clock.advance(2_000)
  expect(told).toEqual(['listed a', 'seen b', 'listed c'])
  stop.abort()
  await done
})
