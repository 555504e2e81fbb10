import { versionedDirectory } from '@pallas/runtime/testing'
import { expect, test } from 'vitest'
import { type KeyFile, watchKeyFiles } from './key-files.ts'

const onFailure = (error: unknown): void => expect.fail(String(error))

test('the files of one name are told with both their ids, newest first by number, and again when they change', async () => {
  await using it = await versionedDirectory({ 'sign.v9': 'nine', 'sign.v10': 'ten', 'other.v1': 'x', '..data': 'x' })
  const told: (readonly KeyFile[])[] = []
  const onChange = (files: readonly KeyFile[]): void => void told.push(files)
  await using _watch = await watchKeyFiles({ dir: it.dir, name: 'sign', clock: it.clock, onChange, onFailure })
  const ten = { id: 'sign.v10', uri: 'secret:sign?version=v10', text: 'ten' }
  const nine = { id: 'sign.v9', uri: 'secret:sign?version=v9', text: 'nine' }
  expect(told).toEqual([[ten, nine]])
  await it.put('sign.v11', 'x'.repeat(33 * 1024))
  await it.looked()
  expect(told[1]).toEqual([{ id: 'sign.v11', uri: 'secret:sign?version=v11', text: '' }, ten, nine])
})
