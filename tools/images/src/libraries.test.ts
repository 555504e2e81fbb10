import { existsSync } from 'node:fs'
import { expect, test } from 'vitest'
import type { DebianPackage } from './debian.ts'
import { libraryEntries } from './libraries.ts'

const aPackage = (root: string): DebianPackage => ({ name: 'it', version: '1', architecture: 'amd64', sha256: '', root, licence: '' })
const isDebian = existsSync('/etc/debian_version')

test.runIf(isDebian)('Node gets its libraries, theirs, and the linker where it asks for it', async () => {
  // The machine itself, as if it were one package.
  const entries = await libraryEntries(process.execPath, [aPackage('/nowhere'), aPackage('/')])
  const names = entries.map(({ path }) => path.replace(/^usr\/lib\/[^/]+\//, ''))
  expect(names).toEqual(expect.arrayContaining(['libc.so.6', 'libstdc++.so.6', 'libgcc_s.so.1', 'libm.so.6']))
  expect(new Set(names).size).toBe(names.length)
  const linker = entries.filter(({ path }) => path.includes('ld-linux'))
  expect(linker).toHaveLength(1)
  expect(linker[0]!.path).toMatch(/^lib(64)?\/ld-linux/)
})

test('a library that no package has is told', async () => {
  const missing = libraryEntries(process.execPath, [aPackage('/nowhere')])
  await expect(missing).rejects.toMatchObject({ code: 'IMAGES_LIBRARY_MISSING', fields: { packages: ['it'] } })
})
