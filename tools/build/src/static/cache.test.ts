import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { buildDirectory } from './cache.ts'

async function crateOf(lock: string) {
  const dir = await mkdtemp(join(tmpdir(), 'crate-'))
  await writeFile(join(dir, 'Cargo.lock'), lock)
  return { dir, [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true }) }
}

test('two clones of one crate share what is between, and other crates, compilers and users do not', async () => {
  await using here = await crateOf('ring 0.17')
  await using there = await crateOf('ring 0.17')
  await using other = await crateOf('ring 0.18')
  const env = { XDG_CACHE_HOME: '/cache' }
  const directory = await buildDirectory(here.dir, 'rustc 1.95', env)
  expect(directory).toMatch(/^\/cache\/pallas\/cargo\/[0-9a-f]{16}$/)
  expect(await buildDirectory(there.dir, 'rustc 1.95', env)).toBe(directory)
  const others = [
    buildDirectory(other.dir, 'rustc 1.95', env),
    buildDirectory(here.dir, 'rustc 1.96', env),
    buildDirectory(here.dir, 'rustc 1.95', { ...env, CC: 'false' }),
    buildDirectory(here.dir, 'rustc 1.95', { HOME: '/home/me' }),
  ]
  for (const it of await Promise.all(others)) expect(it).not.toBe(directory)
  expect(await others[3]).toMatch(/^\/home\/me\/\.cache\/pallas\/cargo\//)
})
