import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { REPOSITORY } from '@pallas/build'
import { expect, test } from 'vitest'
import { cargoComponents } from './cargo.ts'
import type { Component } from './component.ts'
import { debianComponent } from './debian.ts'
import { npmComponents } from './npm.ts'
import { spdxDocument } from './spdx.ts'
import { staticComponents } from './static.ts'

const lock = {
  packages: {
    'node_modules/fastify': { version: '5.1.0', license: 'MIT', integrity: `sha512-${Buffer.from('abc').toString('base64')}` },
    'node_modules/@a/b': { version: '1.0.0' },
    'packages/x/node_modules/fastify': { version: '5.1.0', license: 'MIT' },
    'node_modules/unused': { version: '9.9.9' },
  },
}

test('files of a bundle become the packages that they are of, each once', () => {
  const inputs = [
    'packages/x/src/main.ts',
    'node_modules/fastify/lib/a.js',
    'node_modules/fastify/b.js',
    'node_modules/@a/b/c/d.js',
    'packages/x/node_modules/fastify/a.js',
  ]
  expect(npmComponents(inputs, lock)).toEqual([
    { kind: 'npm', name: '@a/b', version: '1.0.0', licence: undefined, checksum: undefined, purl: 'pkg:npm/%40a/b@1.0.0' },
    expect.objectContaining({ name: 'fastify', version: '5.1.0', licence: 'MIT' }),
  ])
  expect(npmComponents(['node_modules/fastify/a.js'], lock)[0]!.checksum).toEqual({ algorithm: 'SHA512', hex: '616263' })
})

test('a package that the lock file does not know is told', () => {
  expect(() => npmComponents(['node_modules/strange/a.js'], lock)).toThrow(expect.objectContaining({ code: 'IMAGES_NO_PACKAGE' }))
})

const dep = (pkg: string, ...kinds: (string | null)[]) => ({ pkg, dep_kinds: kinds.map((kind) => ({ kind })) })

const crate = (id: string, license = 'MIT') => ({
  id,
  name: id,
  version: id === 'ring' ? '0.17.14' : '1.0.0',
  license,
  source: id === 'ours' ? null : 'x',
})

const cargoLock = (sum: string) => `version = 4

[[package]]
name = "ring"
version = "0.17.14"
source = "x"
checksum = "${sum}"

[[package]]
name = "ours"
version = "0.1.0"
`

test('crates that are linked are listed, with what they link; those that only build or test are not', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'images-'))
  const sum = 'a'.repeat(64)
  writeFileSync(join(dir, 'Cargo.lock'), cargoLock(sum))
  const metadata = {
    packages: [crate('ours'), crate('ring', 'Apache-2.0/ISC'), crate('below'), crate('cc'), crate('tester'), crate('not-chosen')],
    resolve: {
      root: 'ours',
      nodes: [
        { id: 'ours', deps: [dep('ring', null), dep('tester', 'dev')] },
        { id: 'ring', deps: [dep('below', null, 'build'), dep('cc', 'build')] },
        { id: 'below', deps: [] },
        { id: 'cc', deps: [] },
      ],
    },
  }
  const asked: (readonly string[])[] = []
  const run = async (argv: readonly string[]) => {
    asked.push(argv)
    return JSON.stringify(metadata)
  }
  const components = await cargoComponents({ dir, target: 'x86_64-unknown-linux-gnu', features: ['network'] }, run)
  rmSync(dir, { recursive: true })
  expect(components.map(({ name }) => name)).toEqual(['below', 'ring'])
  expect(components[1]).toEqual({
    kind: 'cargo',
    name: 'ring',
    version: '0.17.14',
    licence: 'Apache-2.0 OR ISC',
    checksum: { algorithm: 'SHA256', hex: sum },
    purl: 'pkg:cargo/ring@0.17.14',
  })
  expect(asked[0]).toEqual(expect.arrayContaining(['--locked', '--filter-platform', 'x86_64-unknown-linux-gnu', '--features', 'network']))
})

test('a list holds each part under a reference of its own, and says nothing of when or where', () => {
  const deb = debianComponent({ name: 'libstdc++6', version: '12.2.0-14+deb12u1', architecture: 'amd64', sha256: 'b'.repeat(64), root: '', licence: '' })
  const program: Component = { kind: 'program', name: 'athenz-x', version: '1.0.0', licence: 'Apache-2.0', checksum: undefined, purl: undefined }
  const list = JSON.parse(spdxDocument({ name: 'x', version: '1.0.0', digest: `sha256:${'c'.repeat(64)}`, programs: [program], components: [deb] }))
  const ids: string[] = list.packages.map((it: { SPDXID: string }) => it.SPDXID)
  expect(ids).toEqual(['SPDXRef-image', 'SPDXRef-program-athenz-x-1.0.0', 'SPDXRef-deb-libstdc--6-12.2.0-14-deb12u1'])
  for (const id of ids) expect(id).toMatch(/^SPDXRef-[A-Za-z0-9.-]+$/)
  expect(list.relationships.map((it: { relatedSpdxElement: string }) => it.relatedSpdxElement)).toEqual(ids)
  expect(list.packages[2].externalRefs[0].referenceLocator).toBe('pkg:deb/debian/libstdc%2B%2B6@12.2.0-14%2Bdeb12u1?arch=amd64')
  expect(list.creationInfo.created).toBe('1970-01-01T00:00:00Z')
})

const tools = async ([tool]: readonly [string, ...string[]]) => {
  if (tool === 'rustc') return 'rustc 1.95.0 (59807616e 2026-04-14)\n'
  if (tool === 'ldd') return 'ldd (Debian GLIBC 2.36-9+deb12u14) 2.36\nCopyright\n'
  return JSON.stringify({ packages: [crate('ours'), crate('ring')], resolve: { root: 'ours', nodes: [{ id: 'ours', deps: [dep('ring', null)] }] } })
}

test('a static program is made of crates, of npm packages, and of what Rust and the C library left in it', async () => {
  const root = JSON.parse(readFileSync(join(REPOSITORY, 'package-lock.json'), 'utf8'))
  const components = await staticComponents('athenz-control-sia', root, tools)
  const find = (name: string) => components.find((it) => it.name === name)
  expect(find('ring')).toMatchObject({ kind: 'cargo', version: '0.17.14' })
  expect(find('rust')).toMatchObject({ version: '1.95.0' })
  expect(find('glibc')).toMatchObject({ version: '2.36-9+deb12u14' })
  expect(components.some(({ kind }) => kind === 'npm')).toBe(true)
  await expect(staticComponents('athenz-callback', root, tools)).rejects.toMatchObject({ code: 'IMAGES_NO_PACKAGE' })
})
