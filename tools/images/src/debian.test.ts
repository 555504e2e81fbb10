import { execFileSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { debianPackage, sha256Of } from './debian.ts'
import { ImagesError } from './error.ts'
import { type RunTool, runTool } from './tool.ts'

const named = (argv: readonly string[]): string => (argv.at(-1) ?? '').replace(/=.*/, '')

/** apt with packages made here; dpkg is the machine's own. */
function aDistribution() {
  const dir = mkdtempSync(join(tmpdir(), 'images-'))
  const pool = join(dir, 'pool')
  mkdirSync(pool)
  const calls: string[] = []
  const apt = { systemKnows: true, says: (sha256: string) => sha256 }
  const run: RunTool = async (argv, options = {}) => {
    const [tool, verb] = argv
    if (tool === 'dpkg-deb') return runTool(argv, options)
    const own = argv.some((it) => it.startsWith('-oDir::State::Lists='))
    calls.push(`${verb}${verb === 'update' ? '' : ` ${named(argv)}`}${own ? ' by its own index' : ''}`)
    const file = join(pool, `${named(argv)}.deb`)
    if (verb === 'update') return ''
    if ((!apt.systemKnows && !own) || !existsSync(file)) throw new ImagesError('IMAGES_TOOL_FAILED', 'no such package')
    if (verb === 'show') return `Package: x\nVersion: 1.2-3\nArchitecture: amd64\nSHA256: ${apt.says(await sha256Of(file))}\n`
    copyFileSync(file, join(options.cwd!, basename(file)))
    return ''
  }
  const add = (name: string, files: (root: string) => void) => {
    const root = join(dir, 'build', name)
    mkdirSync(join(root, 'DEBIAN'), { recursive: true })
    writeFileSync(join(root, 'DEBIAN/control'), `Package: ${name}\nVersion: 1.2-3\nArchitecture: amd64\nMaintainer: x <x@y.z>\nDescription: x\n`)
    files(root)
    execFileSync('dpkg-deb', ['--build', root, join(pool, `${name}.deb`)], { stdio: 'ignore' })
  }
  const cache = join(dir, 'cache')
  return { dir, apt, add, calls, options: { cache, run }, [Symbol.dispose]: () => rmSync(dir, { recursive: true }) }
}

const put = (root: string, path: string, text: string) => {
  mkdirSync(dirname(join(root, path)), { recursive: true })
  writeFileSync(join(root, path), text)
}

const plain = (name: string) => (root: string) => {
  put(root, 'usr/bin/it', 'a program')
  put(root, `usr/share/doc/${name}/copyright`, `licence of ${name}`)
}

test('a package is unpacked below the cache, with what the index says of it, and downloaded once', async () => {
  using it = aDistribution()
  it.add('some-tool', plain('some-tool'))
  const found = await debianPackage('some-tool', it.options)
  expect(found).toMatchObject({ name: 'some-tool', version: '1.2-3', architecture: 'amd64' })
  expect(found.sha256).toBe(await sha256Of(join(it.dir, 'pool/some-tool.deb')))
  expect(readFileSync(join(found.root, 'usr/bin/it'), 'utf8')).toBe('a program')
  expect(readFileSync(found.licence, 'utf8')).toBe('licence of some-tool')
  expect(await debianPackage('some-tool', it.options)).toEqual(found)
  expect(it.calls).toEqual(['show some-tool', 'download some-tool', 'show some-tool'])
})

test('what is not what the index says is not unpacked, and no other index is asked', async () => {
  using it = aDistribution()
  it.add('some-tool', plain('some-tool'))
  it.apt.says = () => '0'.repeat(64)
  await expect(debianPackage('some-tool', it.options)).rejects.toMatchObject({ code: 'IMAGES_CHECKSUM' })
  expect(readdirSync(it.options.cache)).toEqual([])
  expect(it.calls).not.toContain('update by its own index')
})

test('where the machine knows nothing of the package, an index of our own is fetched', async () => {
  using it = aDistribution()
  it.add('some-tool', plain('some-tool'))
  it.apt.systemKnows = false
  expect(await debianPackage('some-tool', it.options)).toMatchObject({ version: '1.2-3' })
  expect(it.calls).toEqual(['show some-tool', 'update by its own index', 'show some-tool by its own index', 'download some-tool by its own index'])
})

test('packages of one source share a copyright file: the one that has it is fetched', async () => {
  using it = aDistribution()
  it.add('some-base', plain('some-base'))
  it.add('some-library', (root) => {
    put(root, 'usr/lib/it.so', '')
    mkdirSync(join(root, 'usr/share/doc'), { recursive: true })
    symlinkSync('some-base', join(root, 'usr/share/doc/some-library'))
  })
  const { licence } = await debianPackage('some-library', it.options)
  expect(readFileSync(licence, 'utf8')).toBe('licence of some-base')
})

test.each([
  ['a package that nobody has', 'no-such-package'],
  ['a name that could be an option', '-oDir=/'],
  ['a name that could be a path', '../x'],
])('%s is refused', async (_name, wanted) => {
  using it = aDistribution()
  await expect(debianPackage(wanted, it.options)).rejects.toMatchObject({ code: 'IMAGES_NO_PACKAGE' })
})
