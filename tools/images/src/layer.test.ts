import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, readlinkSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type LayerEntry, writeLayer } from './layer.ts'

function aBench() {
  const dir = mkdtempSync(join(tmpdir(), 'images-'))
  return { at: (name: string) => join(dir, name), [Symbol.dispose]: () => rmSync(dir, { recursive: true }) }
}

const listing = (archive: string) =>
  execFileSync('tar', ['--numeric-owner', '--utc', '-tvf', archive], { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' } })
    .trim()
    .split('\n')
    .map((line) => line.replaceAll(/ +/g, ' '))

test('entries are sorted, parents are made, times are zero', async () => {
  using bench = aBench()
  writeFileSync(bench.at('program'), 'abc')
  await writeLayer(bench.at('layer'), [
    { kind: 'link', path: 'usr/bin/other', target: 'program' },
    { kind: 'file', path: 'usr/bin/program', from: bench.at('program') },
    { kind: 'directory', path: 'tmp', mode: 0o1777 },
    { kind: 'text', path: 'etc/hosts', text: 'x', mode: 0o640, uid: 7, gid: 8 },
  ])
  expect(listing(bench.at('layer'))).toEqual([
    'drwxr-xr-x 0/0 0 1970-01-01 00:00 etc/',
    '-rw-r----- 7/8 1 1970-01-01 00:00 etc/hosts',
    'drwxrwxrwt 0/0 0 1970-01-01 00:00 tmp/',
    'drwxr-xr-x 0/0 0 1970-01-01 00:00 usr/',
    'drwxr-xr-x 0/0 0 1970-01-01 00:00 usr/bin/',
    'lrwxrwxrwx 0/0 0 1970-01-01 00:00 usr/bin/other -> program',
    '-rwxr-xr-x 0/0 3 1970-01-01 00:00 usr/bin/program',
  ])
})

test('the order in which entries are listed does not matter', async () => {
  using bench = aBench()
  const entries: LayerEntry[] = ['b/c', 'a', 'b-c', 'b/a'].map((path) => ({ kind: 'text', path, text: path }))
  const one = await writeLayer(bench.at('1'), entries)
  const two = await writeLayer(bench.at('2'), entries.toReversed())
  expect(two.digest).toBe(one.digest)
})

const deep = (segment: string, times: number): string => Array.from({ length: times }, () => segment).join('/')

test.each([
  ['cut at a slash', `${deep('d'.repeat(40), 4)}/file`],
  ['cut as late as need be', `${deep('d'.repeat(30), 5)}/${'f'.repeat(90)}`],
  ['in an extended header', `${deep('d'.repeat(100), 4)}/${'f'.repeat(150)}`],
  ['in an extended header, beyond ASCII', `${deep('ü'.repeat(60), 3)}/${'é'.repeat(70)}`],
])('a long path comes out whole: %s', async (_name, path) => {
  using bench = aBench()
  const target = 't'.repeat(180)
  await writeLayer(bench.at('layer'), [
    { kind: 'text', path, text: 'content' },
    { kind: 'link', path: `${path}-link`, target },
  ])
  execFileSync('mkdir', [bench.at('u')])
  execFileSync('tar', ['-xf', bench.at('layer'), '-C', bench.at('u')])
  expect(readFileSync(join(bench.at('u'), path), 'utf8')).toBe('content')
  expect(readlinkSync(join(bench.at('u'), `${path}-link`))).toBe(target)
})

test('files of every size around a block come out whole', async () => {
  using bench = aBench()
  const sizes = [0, 1, 511, 512, 513, (1 << 20) + 7]
  for (const size of sizes) writeFileSync(bench.at(`f${size}`), Buffer.alloc(size, size % 251))
  const { size } = await writeLayer(bench.at('layer'), sizes.map((n) => ({ kind: 'file', path: `f${n}`, from: bench.at(`f${n}`) })))
  expect(statSync(bench.at('layer')).size).toBe(size)
  execFileSync('mkdir', [bench.at('u')])
  execFileSync('tar', ['-xf', bench.at('layer'), '-C', bench.at('u')])
  for (const n of sizes) expect(readFileSync(bench.at(`u/f${n}`)).equals(Buffer.alloc(n, n % 251))).toBe(true)
})

test.each<[string, LayerEntry[]]>([
  ['an absolute path', [{ kind: 'text', path: '/etc/passwd', text: '' }]],
  ['a way up', [{ kind: 'text', path: 'etc/../../passwd', text: '' }]],
  ['an empty path', [{ kind: 'directory', path: '' }]],
  ['a path twice', [{ kind: 'directory', path: 'a' }, { kind: 'text', path: 'a', text: '' }]],
  ['a path below a link', [{ kind: 'link', path: 'a', target: '/' }, { kind: 'text', path: 'a/b', text: '' }]],
  ['an owner beyond the format', [{ kind: 'directory', path: 'a', uid: 0o10000000 }]],
])('%s is refused', async (_name, entries) => {
  using bench = aBench()
  await expect(writeLayer(bench.at('layer'), entries)).rejects.toMatchObject({ code: 'IMAGES_BAD_ENTRY' })
})
