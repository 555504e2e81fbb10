import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type ImageSpec, writeArchive } from './archive.ts'
import { writeLayer } from './layer.ts'

function aBench() {
  const dir = mkdtempSync(join(tmpdir(), 'images-'))
  writeFileSync(join(dir, 'program'), 'a program')
  return { dir, at: (name: string) => join(dir, name), [Symbol.dispose]: () => rmSync(dir, { recursive: true }) }
}

const spec = (from: string): ImageSpec => ({
  reference: 'localhost/pallas/try:1',
  architecture: 'amd64',
  layers: [
    [{ kind: 'text', path: 'etc/passwd', text: 'root:x:0:0::/:\n' }],
    [{ kind: 'file', path: 'usr/bin/try', from }],
  ],
  entrypoint: ['/usr/bin/try'],
  env: { LANG: 'C' },
  user: '65532:65532',
  labels: { b: '2', a: '1' },
})

/** The archive as a stranger reads it. */
function unpacked(archive: string, to: string) {
  execFileSync('mkdir', [to])
  execFileSync('tar', ['-xf', archive, '-C', to])
  const json = (path: string) => JSON.parse(readFileSync(join(to, path), 'utf8'))
  const blob = (digest: string) => join(to, 'blobs/sha256', digest.slice('sha256:'.length))
  const [entry] = json('index.json').manifests
  const manifest = JSON.parse(readFileSync(blob(entry.digest), 'utf8'))
  return { layout: json('oci-layout'), entry, manifest, config: JSON.parse(readFileSync(blob(manifest.config.digest), 'utf8')), blob }
}

test('an archive holds what its spec says, under digests that are true', async () => {
  using bench = aBench()
  const image = await writeArchive(bench.at('out.tar'), spec(bench.at('program')))
  const { layout, entry, manifest, config, blob } = unpacked(bench.at('out.tar'), bench.at('u'))
  expect(layout).toEqual({ imageLayoutVersion: '1.0.0' })
  expect(entry).toMatchObject({
    digest: image.digest,
    platform: { architecture: 'amd64', os: 'linux' },
    annotations: { 'io.containerd.image.name': 'localhost/pallas/try:1', 'org.opencontainers.image.ref.name': '1' },
  })
  expect(config.config).toEqual({
    User: '65532:65532',
    Env: ['PATH=/usr/local/bin:/usr/bin:/bin', 'LANG=C'],
    Entrypoint: ['/usr/bin/try'],
    WorkingDir: '/',
    Labels: { a: '1', b: '2' },
  })
  expect(config.rootfs.diff_ids).toEqual(manifest.layers.map((layer: { digest: string }) => layer.digest))
  for (const { digest, size } of [entry, manifest.config, ...manifest.layers]) {
    const bytes = readFileSync(blob(digest))
    expect(bytes.length).toBe(size)
    expect(`sha256:${createHash('sha256').update(bytes).digest('hex')}`).toBe(digest)
  }
  expect(readdirSync(bench.dir).sort()).toEqual(['out.tar', 'program', 'u'])
})

test('the same input gives the same archive; another program another digest', async () => {
  using bench = aBench()
  const one = await writeArchive(bench.at('1.tar'), spec(bench.at('program')))
  const two = await writeArchive(bench.at('2.tar'), spec(bench.at('program')))
  expect(readFileSync(bench.at('2.tar')).equals(readFileSync(bench.at('1.tar')))).toBe(true)
  writeFileSync(bench.at('program'), 'b program')
  const three = await writeArchive(bench.at('3.tar'), spec(bench.at('program')))
  expect(two.digest).toBe(one.digest)
  expect(three.digest).not.toBe(one.digest)
  expect(three.layers[0]).toEqual(one.layers[0])
})

test('a layer that was made once is the same layer in every image, and in the archive once', async () => {
  using bench = aBench()
  const base = await writeLayer(bench.at('base'), [{ kind: 'text', path: 'etc/group', text: 'root:x:0:\n' }])
  const made = spec(bench.at('program'))
  const one = await writeArchive(bench.at('1.tar'), { ...made, layers: [base, ...made.layers] })
  const two = await writeArchive(bench.at('2.tar'), { ...made, layers: [base, base] })
  expect(one.layers[0]).toMatchObject({ digest: base.digest, size: base.size })
  expect(two.layers.map(({ digest }) => digest)).toEqual([base.digest, base.digest])
  const names = execFileSync('tar', ['-tf', bench.at('2.tar')], { encoding: 'utf8' }).trim().split('\n')
  expect(names.filter((name) => name.endsWith(base.digest.slice('sha256:'.length)))).toHaveLength(1)
})

test('an archive that cannot be made leaves the old one, and nothing else', async () => {
  using bench = aBench()
  writeFileSync(bench.at('out.tar'), 'old')
  const failing = writeArchive(bench.at('out.tar'), spec(bench.at('missing')))
  await expect(failing).rejects.toMatchObject({ code: 'IMAGES_FILE_MISSING' })
  expect(readFileSync(bench.at('out.tar'), 'utf8')).toBe('old')
  expect(readdirSync(bench.dir).sort()).toEqual(['out.tar', 'program'])
})
