import { expect, test } from 'vitest'
import type { PodObject } from './objects.ts'
import { runElsewhere } from './run-elsewhere.ts'

const pod = (name: string): PodObject => ({ metadata: { namespace: 'shop', name, uid: `uid-${name}` }, spec: { containers: [] } })

const names = (pods: readonly PodObject[]) => pods.map(({ metadata }) => metadata.name)

function open() {
  const told: string[] = []
  const kubelet = {
    listed: (pods: readonly PodObject[]) => void told.push(`listed ${names(pods).join()}`),
    seen: (one: PodObject) => void told.push(`seen ${one.metadata.name}`),
    removed: (one: PodObject) => void told.push(`removed ${one.metadata.name}`),
    pods: () => [pod('own')],
  }
  const it = runElsewhere(kubelet, ({ metadata }) => metadata.name.startsWith('other'))
  return { it, told, shown: () => names(it.pods()) }
}

test('a pod that runs elsewhere is shown, and the kubelet is never told of it', () => {
  const { it, told, shown } = open()
  it.listed([pod('own'), pod('other-1')])
  it.seen(pod('other-2'))
  it.seen(pod('own'))
  expect(shown()).toEqual(['own', 'other-1', 'other-2'])
  it.removed(pod('other-1'))
  it.removed(pod('own'))
  expect(shown()).toEqual(['own', 'other-2'])
  expect(told).toEqual(['listed own', 'seen own', 'removed own'])
})

test('a list says all: who is not on it is gone', () => {
  const { it, shown } = open()
  it.seen(pod('other-1'))
  it.listed([pod('own')])
  expect(shown()).toEqual(['own'])
})
