import type { OutputFile } from '@pallas/credentials'
import { nodeHost } from '@pallas/linux'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, readlink, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { writeCredentials } from './write-credentials.ts'

const ROTATIONS = 200
const READERS = 8
/** Where syncing costs nothing, so that more rotations meet more readers. */
const MEMORY = '/dev/shm'
const LONG = 4_000

const filesOf = (root: string, n: number): readonly OutputFile[] =>
  ['service.key', 'service.cert', 'bundle.pem'].map((name) => ({
    path: `${root}/${name}`,
    content: `${n}\n`.padEnd(LONG, `${n % 10}`),
    secret: name !== 'service.cert',
  }))

const numberIn = (text: string): string => {
  expect(text).toHaveLength(LONG)
  return text.slice(0, text.indexOf('\n'))
}

test('readers that pin the generation, or open the bundle, never see two sets or half a file while sets rotate (W31, T14)', async () => {
  const root = await mkdtemp(join(existsSync(MEMORY) ? MEMORY : tmpdir(), 'sia-readers-'))
  const { files } = nodeHost()
  const deps = { files, onLeftover: (error: unknown) => expect(error).toBeUndefined() }
  const rotate = (n: number) => writeCredentials(filesOf(root, n), { ...deps, now: Date.now(), serial: n.toString(16) })
  await rotate(0)

  const rotation = { done: false, reads: 0 }
  const torn: string[] = []
  const readPinned = async () => {
    const at = join(root, await readlink(`${root}/..data`))
    const [key, cert] = await Promise.all([readFile(`${at}/service.key`, 'utf8'), readFile(`${at}/service.cert`, 'utf8')])
    if (numberIn(key) !== numberIn(cert)) torn.push(`${numberIn(key)} with ${numberIn(cert)}`)
    numberIn(await readFile(`${root}/bundle.pem`, 'utf8'))
  }
  const readers = Array.from({ length: READERS }, async () => {
    for (; !rotation.done; rotation.reads++) await readPinned()
  })
  for (let n = 1; n <= ROTATIONS; n++) await rotate(n)
  rotation.done = true
  await Promise.all(readers)
  await rm(root, { recursive: true })
  expect(torn).toEqual([])
  expect(rotation.reads).toBeGreaterThan(ROTATIONS)
}, 60_000)
