import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { FakeClock } from './testing/index.ts'
import { readVersionedFiles, watchVersionedFiles } from './versioned-files.ts'

const versionOf = (name: string) => (/^key\.v\d+$/.test(name) ? Number(name.slice(5)) : undefined)

async function openDirectory() {
  const dir = await mkdtemp(join(tmpdir(), 'versions-'))
  return { dir, [Symbol.asyncDispose]: () => rm(dir, { recursive: true }) }
}

test('versions come newest first by number, and files of other kinds are not looked at', async () => {
  await using it = await openDirectory()
  for (const name of ['key.v9', 'key.v10', 'key.v2', 'other.v11', 'key.v12.bak']) await writeFile(join(it.dir, name), name)
  const files = await readVersionedFiles({ dir: it.dir, versionOf, maxBytes: 100 })
  expect(files.map((file) => file.text)).toEqual(['key.v10', 'key.v9', 'key.v2'])
})

test('a secret mount is read through its symlinks', async () => {
  await using it = await openDirectory()
  await mkdir(join(it.dir, '..2030'))
  await writeFile(join(it.dir, '..2030', 'key.v1'), 'one')
  await symlink('..2030', join(it.dir, '..data'))
  await symlink('..data/key.v1', join(it.dir, 'key.v1'))
  expect(await readVersionedFiles({ dir: it.dir, versionOf, maxBytes: 100 })).toEqual([
    { fileName: 'key.v1', version: 1, text: 'one' },
  ])
})

test('a version that cannot be read, or is too long, is there without a text', async () => {
  await using it = await openDirectory()
  await writeFile(join(it.dir, 'key.v1'), 'x'.repeat(101))
  await mkdir(join(it.dir, 'key.v2'))
  await symlink('nowhere', join(it.dir, 'key.v3'))
  const files = await readVersionedFiles({ dir: it.dir, versionOf, maxBytes: 100 })
  expect(files.map(({ version, text }) => [version, text])).toEqual([[3, undefined], [2, undefined], [1, undefined]])
})

test('a directory that is not there rejects', async () => {
  await expect(readVersionedFiles({ dir: '/nowhere/at/all', versionOf, maxBytes: 1 })).rejects.toMatchObject({ code: 'ENOENT' })
})

test('a watch tells the first state, each change once, and a failure once without forgetting', async () => {
  await using it = await openDirectory()
  const dir = join(it.dir, 'keys')
  const clock = new FakeClock()
  const told: string[] = []
  const onChange = (files: readonly { readonly text: string | undefined }[]) => void told.push(files.map(({ text }) => text).join())
  const onFailure = () => void told.push('failed')
  await using _watch = await watchVersionedFiles({ dir, versionOf, maxBytes: 100, clock, pollMs: 1_000, onChange, onFailure })
  const look = async () => {
    const before = told.length
    await clock.advance(1_000)
    for (let turns = 0; turns < 20 && told.length === before; turns++) await new Promise((resolve) => setImmediate(resolve))
    while (clock.sleeping === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  expect(told).toEqual(['failed'])
  await mkdir(dir)
  await writeFile(join(dir, 'key.v1'), 'one')
  await look()
  await look()
  await writeFile(join(dir, 'key.v1'), 'uno')
  await look()
  await rm(dir, { recursive: true })
  await look()
  await look()
  expect(told).toEqual(['failed', 'one', 'uno', 'failed'])
})
