import { execFileSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { expect, test } from 'vitest'
import { sha256Of } from './debian.ts'
import { nodeBase } from './node-base.ts'
import { type RunTool, runTool } from './tool.ts'

const TRIPLET = process.arch === 'arm64' ? 'aarch64-linux-gnu' : 'x86_64-linux-gnu'
const LIBRARIES: Readonly<Record<string, readonly string[]>> = {
  libc6: ['libc.so.6', 'libm.so.6', 'libdl.so.2', 'libpthread.so.0', process.arch === 'arm64' ? 'ld-linux-aarch64.so.1' : 'ld-linux-x86-64.so.2'],
  'libgcc-s1': ['libgcc_s.so.1'],
  'libstdc++6': ['libstdc++.so.6'],
  libatomic1: ['libatomic.so.1'],
}
const machine = `/usr/lib/${TRIPLET}`
const isDebianWithAll = Object.values(LIBRARIES).flat().every((name) => existsSync(join(machine, name)))

/** apt with packages that hold this machine's own libraries, and a shell, as the real ones hold more than is wanted. */
function aptOf(dir: string): RunTool {
  const pack = (name: string): string => {
    const root = join(dir, 'build', name)
    const file = join(dir, `${name}.deb`)
    if (existsSync(file)) return file
    for (const path of ['DEBIAN', `usr/lib/${TRIPLET}`, `usr/share/doc/${name}`, 'bin']) mkdirSync(join(root, path), { recursive: true })
    writeFileSync(join(root, 'DEBIAN/control'), `Package: ${name}\nVersion: 1\nArchitecture: all\nMaintainer: x <x@y.z>\nDescription: x\n`)
    writeFileSync(join(root, `usr/share/doc/${name}/copyright`), 'licence')
    writeFileSync(join(root, 'bin/sh'), 'a shell')
    for (const it of LIBRARIES[name] ?? []) copyFileSync(realpathSync(join(machine, it)), join(root, `usr/lib/${TRIPLET}`, it))
    execFileSync('dpkg-deb', ['-Znone', '--build', root, file], { stdio: 'ignore' })
    return file
  }
  return async (argv, options = {}) => {
    if (argv[0] === 'dpkg-deb') return runTool(argv, options)
    const file = pack((argv.at(-1) ?? '').replace(/=.*/, ''))
    if (argv[1] === 'show') return `Version: 1\nArchitecture: all\nSHA256: ${await sha256Of(file)}\n`
    copyFileSync(file, join(options.cwd!, basename(file)))
    return ''
  }
}

test.runIf(isDebianWithAll)('below Node lies what it needs and what says whose that is: no shell, no tool, no root of trust', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'images-'))
  const { nodeEntries, systemEntries, packages } = await nodeBase(dir, { cache: join(dir, 'cache'), run: aptOf(dir) })
  const paths = [...nodeEntries, ...systemEntries].map(({ path }) => path)
  rmSync(dir, { recursive: true })
  expect(packages.map(({ name }) => name)).toEqual(Object.keys(LIBRARIES))
  const kinds = /^(usr\/bin\/node|usr\/lib\/[a-z0-9_-]+\/lib[a-z_+]+\.so\.\d+|lib(64)?\/ld-linux-[a-z0-9_-]+\.so\.\d|etc\/(passwd|group|nsswitch\.conf)|tmp|usr\/share\/doc\/[^/]+\/(copyright|LICENSE))$/
  expect(paths.filter((path) => !kinds.test(path))).toEqual([])
  expect(new Set(paths).size).toBe(paths.length)
  expect(paths).toEqual(expect.arrayContaining(['usr/bin/node', `usr/lib/${TRIPLET}/libc.so.6`, 'etc/passwd', 'usr/share/doc/libc6/copyright']))
})
