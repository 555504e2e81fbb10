import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { cacheDirectory, keyOf, locatePrograms } from './cache.ts'
import { MODULES_DIRECTORY } from './go-build.ts'
import { PROGRAMS } from './programs.ts'

const GO = { env: { HOME: '/home/somebody' }, goVersion: 'go1.26.8', goArch: 'amd64' }

test('programs lie in the cache of the user, by module and key', () => {
  const programs = locatePrograms(GO)
  const directory = `/home/somebody/.cache/pallas/cluster/kubernetes-${keyOf('kubernetes', GO)}`
  expect(programs.path('kubelet')).toBe(join(directory, 'kubelet'))
  expect(programs.directories).toContain(directory)
  expect(() => programs.path('kube-proxy')).toThrow('kube-proxy')
})

test.each([
  ['XDG_CACHE_HOME is obeyed', { HOME: '/home/a', XDG_CACHE_HOME: '/fast' }, '/fast/pallas/cluster'],
  ['an empty one is none', { HOME: '/home/a', XDG_CACHE_HOME: '' }, '/home/a/.cache/pallas/cluster'],
])('%s', (_name, env, directory) => {
  expect(cacheDirectory(env)).toBe(directory)
})

/** The pinned modules in a place where they may be changed. */
function ownModules() {
  const directory = mkdtempSync(`${tmpdir()}/modules-`)
  cpSync(MODULES_DIRECTORY, directory, { recursive: true })
  return { directory, [Symbol.dispose]: () => rmSync(directory, { recursive: true }) }
}

test.each([
  ['a checksum', 'dns/go.sum'],
  ['a pin', 'dns/go.mod'],
  ['a source of ours', 'dns/main.go'],
])('%s that changes gives its module another key, and no other', (_name, file) => {
  using modules = ownModules()
  const path = join(modules.directory, file)
  expect(keyOf('dns', GO, modules.directory)).toBe(keyOf('dns', GO))
  writeFileSync(path, `${readFileSync(path, 'utf8')}\n`)
  expect(keyOf('dns', GO, modules.directory)).not.toBe(keyOf('dns', GO))
  expect(keyOf('node', GO, modules.directory)).toBe(keyOf('node', GO))
})

test.each([
  ['another Go', { goVersion: 'go1.27.0' }],
  ['another machine', { goArch: 'arm64' }],
])('%s is another key', (_name, other) => {
  expect(keyOf('runc', { ...GO, ...other })).not.toBe(keyOf('runc', GO))
})

test('whatever is pinned has checksums, but for what needs no other module', () => {
  for (const { module } of PROGRAMS.filter((it) => it.module !== 'pause')) {
    const directory = join(MODULES_DIRECTORY, module)
    const required = [...readFileSync(join(directory, 'go.mod'), 'utf8').matchAll(/^\t(\S+) (v\S+) \/\/ indirect$/gm)]
    const sums = readFileSync(join(directory, 'go.sum'), 'utf8')
    expect(required.length, module).toBeGreaterThan(10)
    expect(sums.split('\n').length, module).toBeGreaterThan(required.length)
  }
})
