import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { describe, expect, test } from 'vitest'
import { type OutputFile, outputFiles } from './output.ts'
import { planPublication, type SeenDirectory, type SeenEntry } from './publication.ts'
import type { Step } from './step.ts'
import { emptyTree, MINUTE, NOW, plainly, plan, publish, setOf, stepsOf } from './testing/publish.ts'
import { Tree } from './testing/tree.ts'

/** What a reader gets that pins `..data` and reads both files below it. */
const pinned = (tree: Tree) => ['service.key', 'service.cert'].map((name) => tree.read(`/tls/..data/${name}`))

test('after publication every file is where the settings say', () => {
  const tree = publish(emptyTree(), setOf('one'))
  expect(plainly(tree)).toEqual(['key one', 'cert one', 'token one'])
  expect(tree.names('/tls')).toEqual(['..20300102T030405.678Z.AB12', '..data', 'service.cert', 'service.key'])
  expect(tree.stat('/tls/service.key')).toEqual({ kind: 'symlink', target: '..data/service.key' })
})

test('until the commit no reader sees a difference, and what was prepared can be read back', () => {
  const tree = publish(emptyTree(), setOf('one'))
  const next = plan(tree, setOf('two'), { serial: 'CD' })
  for (const step of next.prepare) tree.carryOut(step)
  expect(plainly(tree)).toEqual(['key one', 'cert one', 'token one'])
  expect(tree.read(next.written.get('/tls/service.key')!)).toBe('key two')
  expect(tree.read(next.written.get('/tokens/ntoken')!)).toBe('token two')
})

test('stopped after any step, a reader that pins sees the old set or the new set, whole (W31, T13)', () => {
  const tree = publish(emptyTree(), setOf('one'))
  const sets = [
    ['key one', 'cert one'],
    ['key two', 'cert two'],
  ]
  const seen = stepsOf(plan(tree, setOf('two'), { serial: 'CD' })).map((step) => {
    tree.carryOut(step)
    expect(sets).toContainEqual(pinned(tree))
    return pinned(tree)[0]
  })
  expect(seen[0]).toBe('key one')
  expect(seen.at(-1)).toBe('key two')
})

test('stopped after any step of the first publication, a reader sees nothing or the whole set', () => {
  const steps = stepsOf(plan(emptyTree(), setOf('one')))
  const tree = emptyTree()
  for (const step of steps) {
    tree.carryOut(step)
    expect([
      [undefined, undefined],
      ['key one', 'cert one'],
    ]).toContainEqual(pinned(tree))
  }
})

const numberIn = (tree: Tree, path: string) => Number(tree.read(path)?.split(' ')[1])

test('over several directories each is whole after any step, and no certificate is there before its key (W31, T13)', () => {
  const paths = { key: '/keys/key', cert: ['/certs/cert', '/more/cert'], caCert: '/certs/ca' }
  const filesOf = (n: number) => outputFiles({ keyPem: `key ${n}`, certPem: `cert ${n}`, caPem: `ca ${n}` }, paths)
  const before = publish(new Tree(), filesOf(1))
  const { prepare, commit, clean } = plan(before, filesOf(2), { now: NOW + 1 })
  const tree = before.copy()
  const seen = new Set<string>()
  for (const step of [...prepare, ...commit, ...clean]) {
    tree.carryOut(step)
    const [key, cert, ca, copy] = ['/keys/key', '/certs/cert', '/certs/ca', '/more/cert'].map((it) => numberIn(tree, it))
    expect(ca).toBe(cert)
    expect(key).toBeGreaterThanOrEqual(Math.max(cert ?? NaN, copy ?? NaN))
    seen.add(`${key}${cert}${copy}`)
  }
  expect([...seen]).toEqual(['111', '211', '221', '222'])
})

test('whatever a crash left behind, the next publication succeeds and the one after it has cleaned up', () => {
  const before = publish(emptyTree(), setOf('one'))
  const steps = stepsOf(plan(before, setOf('two'), { serial: 'CD' }))
  for (let done = 0; done <= steps.length; done++) {
    const tree = before.copy()
    for (const step of steps.slice(0, done)) tree.carryOut(step)
    publish(tree, setOf('three'), { serial: 'CD', now: NOW + 2 * MINUTE })
    expect(plainly(tree)).toEqual(['key three', 'cert three', 'token three'])
    publish(tree, setOf('four'), { serial: 'EF', now: NOW + 4 * MINUTE })
    expect(plainly(tree)).toEqual(['key four', 'cert four', 'token four'])
    const generations = tree.names('/tls').filter((name) => name.startsWith('..2'))
    expect(generations).toHaveLength(2)
    expect(tree.names('/tls')).toHaveLength(5)
  }
})

test('a file no longer published loses its name; a stranger keeps its own', () => {
  const tree = publish(emptyTree(), setOf('one'))
  tree.carryOut({ do: 'create', path: '/tls/notes', content: 'mine', mode: 0o644 })
  tree.carryOut({ do: 'symlink', target: 'notes', path: '/tls/alias' })
  tree.carryOut({ do: 'mkdir', path: '/tls/..2030_kubelet', mode: 0o755 })
  publish(tree, setOf('two').slice(0, 1), { serial: 'CD' })
  expect(tree.names('/tls')).toEqual(
    expect.arrayContaining(['..2030_kubelet', '..data', 'alias', 'notes', 'service.key']),
  )
  expect(tree.stat('/tls/service.cert')).toBeUndefined()
})

test('a directory that is emptied loses its files and is made current last; what readers pinned stays', () => {
  const tree = publish(emptyTree(), setOf('one'))
  const { target } = tree.stat('/tokens/..data') as { target: string }
  const files = setOf('two').slice(0, 2)
  const seen = new Map(['/tls', '/tokens'].map((path) => [path, tree.look(path)!] as const))
  const { prepare, commit, clean } = planPublication(files, { now: NOW + 1, serial: 'CD', seen, emptied: ['/tokens', '/tls'] })
  for (const step of [...prepare, ...commit, ...clean]) tree.carryOut(step)
  expect(plainly(tree)).toEqual(['key two', 'cert two', undefined])
  expect(tree.names('/tokens')).not.toContain('ntoken')
  expect(tree.read(`/tokens/${target}/ntoken`)).toBe('token one')
  const swaps = commit.flatMap((step) => (step.do === 'rename' && step.to.endsWith('/..data') ? [step.to] : []))
  expect(swaps).toEqual(['/tls/..data', '/tokens/..data'])
})

test('plain files of the original are replaced by links, whatever they are', () => {
  const tree = emptyTree()
  tree.carryOut({ do: 'create', path: '/tls/service.key', content: 'old key', mode: 0o644 })
  tree.carryOut({ do: 'symlink', target: '/etc/passwd', path: '/tls/service.cert' })
  publish(tree, setOf('one'))
  expect(plainly(tree)).toEqual(['key one', 'cert one', 'token one'])
})

describe('modes', () => {
  test('a secret is 0600, and 0640 exactly where the directory is setgid; the rest is 0644', () => {
    const files = plan(emptyTree(), setOf('one')).prepare.filter((step) => step.do === 'create')
    expect(files).toMatchObject([
      { path: expect.stringMatching(/\/service\.key$/), mode: 0o600 },
      { path: expect.stringMatching(/\/service\.cert$/), mode: 0o644 },
      { path: expect.stringMatching(/\/ntoken$/), mode: 0o640 },
    ])
  })

  test('a generation passes the setgid bit on, so that its files get the group', () => {
    const generations = plan(emptyTree(), setOf('one')).prepare.filter((step) => step.do === 'mkdir')
    expect(generations).toMatchObject([
      { path: expect.stringMatching(/^\/tls\//), mode: 0o755 },
      { path: expect.stringMatching(/^\/tokens\//), mode: 0o2755 },
    ])
  })

  test('a directory that is missing is made first', () => {
    const { prepare } = plan(new Tree(), setOf('one'))
    expect(prepare[0]).toEqual({ do: 'mkdirs', path: '/tls', mode: 0o755 })
    expect(plainly(publish(new Tree(), setOf('one')))).toEqual(['key one', 'cert one', 'token one'])
  })
})

const file = (path: string): OutputFile => ({ path, content: '', secret: false })

test.each([
  ['is relative', ['tls/key']],
  ['is empty', ['']],
  ['is a directory', ['/tls/']],
  ['has two spellings', ['/tls//key']],
  ['goes up', ['/tls/../key']],
  ['stays', ['/tls/./key']],
  ['ends above', ['/tls/..']],
  ['holds a nul', ['/tls/a\0b']],
  ['is a name of ours', ['/tls/..data']],
  ['is given twice', ['/tls/key', '/tls/key']],
  ['is the directory of another', ['/tls/key/cert', '/tls/key']],
])('a path is refused when it %s', (_why, paths) => {
  expect(() => plan(emptyTree(), paths.map(file))).toThrow(expect.objectContaining({ code: 'OUTPUT_PATHS' }))
})

test.each<[string, readonly Step[]]>([
  ['a directory stands in the place of a file', [{ do: 'mkdir', path: '/tls/service.key', mode: 0o755 }]],
  ['..data is a directory', [{ do: 'mkdir', path: '/tls/..data', mode: 0o755 }]],
  ['..data is a file', [{ do: 'create', path: '/tls/..data', content: '', mode: 0o644 }]],
  ['..data leads out of the directory', [{ do: 'symlink', target: '../other', path: '/tls/..data' }]],
])('nothing is planned when %s', (_when, steps) => {
  const tree = emptyTree()
  for (const step of steps) tree.carryOut(step)
  expect(() => plan(tree, setOf('one'))).toThrow(expect.objectContaining({ code: 'OUTPUT_OCCUPIED' }))
})

test('a serial that is not hex is a mistake of ours', () => {
  expect(() => plan(emptyTree(), setOf('one'), { serial: '../x' })).toThrow(TypeError)
})

test('the kernel agrees: carried out on disk, the steps publish and clean up', () => {
  const root = mkdtempSync(`${tmpdir()}/publication-`)
  try {
    mkdirSync(`${root}/tls`)
    chmodSync(`${root}/tls`, 0o2775)
    for (const [n, word] of ['one', 'two', 'three'].entries()) {
      const files = setOf(word).slice(0, 2).map((it) => ({ ...it, path: root + it.path }))
      const seen = new Map([[`${root}/tls`, look(`${root}/tls`)]])
      stepsOf(planPublication(files, { now: NOW + n * 2 * MINUTE, serial: 'AB', seen })).forEach(carryOut)
      expect(readFileSync(`${root}/tls/service.key`, 'utf8')).toBe(`key ${word}`)
    }
    expect(readdirSync(`${root}/tls`).sort()).toEqual([
      '..20300102T030605.678Z.AB',
      '..20300102T030805.678Z.AB',
      '..data',
      'service.cert',
      'service.key',
    ])
    expect(readlinkSync(`${root}/tls/..data`)).toBe('..20300102T030805.678Z.AB')
    expect(statSync(`${root}/tls/service.key`).mode & 0o7777).toBe(0o640)
    expect(statSync(`${root}/tls/..data/.`).mode & 0o2000).toBe(0o2000)
  } finally {
    rmSync(root, { recursive: true })
  }
})

function look(path: string): SeenDirectory {
  const entries = readdirSync(path, { withFileTypes: true }).map((entry): SeenEntry => {
    const { name } = entry
    if (entry.isSymbolicLink()) return { name, kind: 'symlink', target: readlinkSync(`${path}/${name}`) }
    return { name, kind: entry.isDirectory() ? 'directory' : 'file' }
  })
  return { mode: statSync(path).mode & 0o7777, entries }
}

function carryOut(step: Step): void {
  if (step.do === 'mkdirs') mkdirSync(step.path, { recursive: true })
  if (step.do === 'mkdir') mkdirSync(step.path)
  if (step.do === 'create') writeFileSync(step.path, step.content, { flag: 'wx' })
  if (step.do === 'mkdir' || step.do === 'create') chmodSync(step.path, step.mode)
  if (step.do === 'symlink') symlinkSync(step.target, step.path)
  if (step.do === 'rename') renameSync(step.from, step.to)
  if (step.do === 'unlink') rmSync(step.path, { force: true })
  if (step.do === 'discard') rmSync(step.path, { recursive: true })
}
