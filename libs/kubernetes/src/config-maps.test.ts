import { expect, test } from 'vitest'
import { readConfigMapKey } from './config-maps.ts'
import { KubernetesError } from './error.ts'

const place = { namespace: 'media', name: 'settings', key: 'config' }
const holding = (data: unknown) => ({ get: () => Promise.resolve({ metadata: {}, data }) })

test.each([
  ['the text', { config: 'a: 1' }, 'a: 1'],
  ['an empty text', { config: '' }, ''],
  ['another key', { other: 'x' }, undefined],
  ['a key of the prototype', {}, undefined],
  ['no data', undefined, undefined],
  ['null data', null, undefined],
])('%s is read as %s', async (name, data, wanted) => {
  const key = name === 'a key of the prototype' ? 'constructor' : 'config'
  expect(await readConfigMapKey(holding(data), { ...place, key })).toBe(wanted)
})

test.each([
  ['a list', []],
  ['a text', 'x'],
  ['a number under the key', { config: 1 }],
])('%s is a bad answer', async (_name, data) => {
  await expect(readConfigMapKey(holding(data), place)).rejects.toMatchObject({ code: 'KUBE_BAD_ANSWER' })
})

test('that nobody could say is not that there is none', async () => {
  const api = { get: () => Promise.reject(new KubernetesError('KUBE_TIMEOUT', 'late')) }
  await expect(readConfigMapKey(api, place)).rejects.toMatchObject({ code: 'KUBE_TIMEOUT' })
})
