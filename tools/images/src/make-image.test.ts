import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { REPOSITORY } from '@pallas/build'
import { expect, test } from 'vitest'
import { IMAGES, type Image } from './catalogue.ts'
import { writeLayer } from './layer.ts'
import { type MakeDeps, makeImage } from './make-image.ts'
import { aStaticProgram } from './testing/static-program.ts'

const image = (name: string): Image => IMAGES.find((it) => it.name === name)!

/** Where images are made, with a base that is small. */
function aSite() {
  const dir = mkdtempSync(join(tmpdir(), 'images-'))
  const at = (...path: string[]) => join(dir, ...path)
  for (const name of ['out', 'work', 'statics']) mkdirSync(at(name))
  const deps: MakeDeps = {
    out: at('out'),
    work: at('work'),
    statics: async () => at('statics'),
    partsOf: async (name) => [{ kind: 'cargo', name: `crate-of-${name}`, version: '1.0.0', licence: 'MIT', checksum: undefined, purl: undefined }],
    version: '1.2.3',
    architecture: 'amd64',
    lock: JSON.parse(readFileSync(join(REPOSITORY, 'package-lock.json'), 'utf8')),
    base: async () => ({ layer: await writeLayer(at('work', 'base'), [{ kind: 'text', path: 'usr/bin/node', text: 'node' }]), components: [] }),
  }
  return { at, deps, [Symbol.dispose]: () => rmSync(dir, { recursive: true }) }
}

const blob = (digest: string) => `blobs/sha256/${digest.slice('sha256:'.length)}`

function filesOf(archive: string, to: string) {
  mkdirSync(to)
  execFileSync('tar', ['-xf', archive, '-C', to])
  const read = (path: string) => JSON.parse(readFileSync(join(to, path), 'utf8'))
  const manifest = read(blob(read('index.json').manifests[0].digest))
  return {
    config: read(blob(manifest.config.digest)).config,
    layers: manifest.layers.map((it: { digest: string }) =>
      execFileSync('tar', ['-tf', join(to, blob(it.digest))], { encoding: 'utf8' }).trim().split('\n').filter((path) => !path.endsWith('/')),
    ) as string[][],
  }
}

test('the image of a static program is that file and nothing else', async () => {
  using site = aSite()
  writeFileSync(site.at('statics', 'athenz-sia'), aStaticProgram('amd64'))
  const made = await makeImage(image('athenz-sia'), site.deps)
  expect(made).toMatchObject({ reference: 'localhost/pallas/athenz-sia:1.2.3', user: '65532:65532' })
  const { config, layers } = filesOf(site.at('out', 'athenz-sia.tar'), site.at('u'))
  expect(layers).toEqual([['usr/bin/athenz-sia']])
  expect(config).toMatchObject({ User: '65532:65532', Entrypoint: ['/usr/bin/athenz-sia'], Labels: { 'org.opencontainers.image.version': '1.2.3' } })
})

test('a Node program lies as a bundle on the base that it shares, and runs as nobody in particular', async () => {
  using site = aSite()
  const made = await makeImage(image('athenz-jwt-service'), site.deps)
  const { config, layers } = filesOf(made.file, site.at('u'))
  expect(layers[0]).toEqual(['usr/bin/node'])
  expect(layers[1]).toEqual(expect.arrayContaining(['usr/lib/athenz/athenz-jwt-service/main.mjs', 'usr/share/doc/athenz-jwt-service/licences.txt']))
  expect(layers).toHaveLength(2)
  expect(config.User).toBe('65532:65532')
  expect(config.Entrypoint[0]).toBe('/usr/bin/node')
  expect(config.Entrypoint.at(-1)).toBe('/usr/lib/athenz/athenz-jwt-service/main.mjs')
})

test('the agent runs as root and carries the driver', async () => {
  using site = aSite()
  writeFileSync(site.at('statics', 'athenz-volume-driver'), aStaticProgram('amd64'))
  const made = await makeImage(image('athenz-identity-agent'), site.deps)
  const { config, layers } = filesOf(made.file, site.at('u'))
  expect(config.User).toBe('0:0')
  expect(layers[1]).toEqual(['usr/bin/athenz-volume-driver'])
  expect(readFileSync(site.at('out', 'athenz-identity-agent.spdx.json'), 'utf8')).toContain('crate-of-athenz-volume-driver')
  expect(config.Entrypoint).toContain('--max-semi-space-size=1')
})

test('the same clone gives the same images and lists, wherever they are made', async () => {
  using one = aSite()
  using other = aSite()
  const a = await makeImage(image('athenz-callback'), one.deps)
  const b = await makeImage(image('athenz-callback'), other.deps)
  expect(b.digest).toBe(a.digest)
  expect(readFileSync(b.file).equals(readFileSync(a.file))).toBe(true)
  const list = (site: typeof one) => readFileSync(site.at('out', 'athenz-callback.spdx.json'), 'utf8')
  expect(list(other)).toBe(list(one))
})

test('what is in a bundle is listed, with version, licence and checksum; what is not, is not', async () => {
  using site = aSite()
  const { digest } = await makeImage(image('athenz-callback'), site.deps)
  const list = JSON.parse(readFileSync(site.at('out', 'athenz-callback.spdx.json'), 'utf8'))
  const find = (name: string) => list.packages.find((it: { name: string }) => it.name === name)
  expect(find('fastify')).toMatchObject({
    versionInfo: site.deps.lock.packages['node_modules/fastify']!.version,
    licenseDeclared: 'MIT',
    checksums: [{ algorithm: 'SHA512', checksumValue: expect.stringMatching(/^[0-9a-f]{128}$/) }],
  })
  expect(find('vitest')).toBeUndefined()
  expect(find('localhost/pallas/athenz-callback').checksums[0].checksumValue).toBe(digest.slice('sha256:'.length))
  expect(find('athenz-callback')).toMatchObject({ versionInfo: '1.2.3', licenseDeclared: 'Apache-2.0' })
})

test.each<[string, (statics: string) => void, string]>([
  ['is missing', () => undefined, 'IMAGES_FILE_MISSING'],
  ['needs a dynamic linker', (statics) => execFileSync('cp', [process.execPath, join(statics, 'athenz-sia')]), 'IMAGES_BAD_PROGRAM'],
  ['is for another machine', (statics) => writeFileSync(join(statics, 'athenz-sia'), aStaticProgram('arm64')), 'IMAGES_BAD_PROGRAM'],
  ['is a script', (statics) => writeFileSync(join(statics, 'athenz-sia'), `#!/bin/sh\n${' '.repeat(100)}`), 'IMAGES_BAD_PROGRAM'],
])('a static program that %s makes no image', async (_name, prepare, code) => {
  using site = aSite()
  prepare(site.at('statics'))
  await expect(makeImage(image('athenz-sia'), site.deps)).rejects.toMatchObject({ code })
  expect(readdirSync(site.at('out'))).toEqual([])
})
