import { expect, test } from 'vitest'
import { type PodListOptions, readPods } from './pod-list.ts'
import { podOf } from './pods.ts'

const good = {
  metadata: { name: 'web-0', namespace: 'media', uid: 'e2f6e1f0-0d7c-4c58-9c3a-2a7f6a1f0c11', annotations: { a: '1', b: '2' } },
  spec: { serviceAccountName: 'on-air', containers: [] },
  status: { phase: 'Running', podIP: '10.1.2.3' },
}
const malformed = { ...good, metadata: { ...good.metadata, name: 'web-1', annotations: { a: 1 } } }

async function* once(text: string) {
  yield Buffer.from(text)
}

const read = (list: object, rest: Partial<PodListOptions> = {}) =>
  readPods(once(JSON.stringify(list)), { onMalformed: () => {}, ...rest })

const BAD = { code: 'KUBE_BAD_ANSWER' }

test.each<[string, unknown, string]>([
  ['an item that is no object', 'x', ''],
  ['an item without anything', {}, ''],
  ['a pod with a field of another kind', malformed, 'media/web-1'],
  ['a pod with an address that is none', { ...good, status: { podIP: 'here' } }, 'media/web-0'],
  ['a pod whose name is a story', { ...good, metadata: { ...good.metadata, name: `${'x'.repeat(9_999)}\n` } }, ''],
])('%s spoils nothing but itself in a list, and is told', async (_name, item, told) => {
  const seen: [unknown, string][] = []
  const onMalformed: PodListOptions['onMalformed'] = (...them) => void seen.push(them)
  const pods = await read({ kind: 'PodList', items: [good, item, good] }, { onMalformed })
  expect(pods).toEqual([podOf(good), podOf(good)])
  expect(seen).toEqual([[expect.objectContaining(BAD), told]])
})

test.each([
  ['as a kubelet writes it', { metadata: { name: 'n-0', namespace: 'noisy' } }, 'noisy/n-0'],
  ['with a prefix for its name', { metadata: { name: 'n-0', generateName: 'n-', namespace: 'noisy' } }, 'noisy/n-0'],
  ['in another order', { spec: { a: '"metadata":{"name":"n-0","namespace":"noisy"' } }, ''],
  ['without a name', {}, ''],
])('an item %s that is too long is left out, and told by what name can be had', async (_name, item, told) => {
  const seen: [unknown, string][] = []
  const onMalformed: PodListOptions['onMalformed'] = (...them) => void seen.push(them)
  const long = { ...item, more: 'x'.repeat(1_000) }
  expect(await read({ kind: 'PodList', items: [good, long] }, { onMalformed, maxItemBytes: 1_000 })).toEqual([podOf(good)])
  expect(seen).toEqual([[expect.objectContaining({ ...BAD, fields: { path: 'too large' } }), told]])
})

test('a list in which nothing is a pod is no list of pods: nobody has ended', async () => {
  await expect(read({ kind: 'PodList', items: [malformed, {}] })).rejects.toMatchObject(BAD)
  await expect(read({ kind: 'PodList', items: [good] }, { maxItemBytes: 10 })).rejects.toMatchObject(BAD)
})

test('a list of none is null on a real kubelet', async () => {
  expect(await read({ kind: 'PodList', items: null })).toEqual([])
  expect(await read({ kind: 'PodList' })).toEqual([])
  await expect(read({ kind: 'List', items: [] })).rejects.toMatchObject(BAD)
  await expect(read({ kind: 'PodList', items: {} })).rejects.toMatchObject(BAD)
})

test('of annotations those are kept that are asked for', async () => {
  const [pod] = await read({ kind: 'PodList', items: [good] }, { annotations: ['b', 'c'] })
  expect(pod).toEqual({ ...podOf(good), annotations: { b: '2' } })
})
