import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { beginJournal, missingOf, pathOf, readJournal, writeJournal } from './journal.ts'

function ownDirectory() {
  const path = mkdtempSync(`${tmpdir()}/journal-`)
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) }
}

test('directories that must be made are known with their parents, parents first, each once', () => {
  const there = new Set(['/var', '/var/lib', '/usr'])
  expect(missingOf(['/var/lib/a/b', '/usr/c', '/var/lib/a/d', '/var'], (path) => there.has(path))).toEqual(['/var/lib/a', '/var/lib/a/b', '/usr/c', '/var/lib/a/d'])
})

test('a journal that is begun is there, and what is written later is read', () => {
  using own = ownDirectory()
  const journal = beginJournal(own.path, ['/programs'])
  expect(readJournal(own.path)).toEqual(journal)
  writeJournal(own.path, { ...journal, phase: 'up' })
  expect(readJournal(own.path)?.phase).toBe('up')
})

test('without one there is no cluster', () => {
  using own = ownDirectory()
  expect(readJournal(own.path)).toBeUndefined()
})

test('a directory with files of somebody else is refused', () => {
  using own = ownDirectory()
  writeFileSync(join(own.path, 'theirs'), '')
  expect(() => beginJournal(own.path, [])).toThrow(expect.objectContaining({ code: 'CLUSTER_STATE' }))
  expect(readJournal(own.path)).toBeUndefined()
})

test('what a killed `up` and a `down --keep-logs` leave is no obstacle', () => {
  using own = ownDirectory()
  for (const name of ['logs', 'journal.json.draft']) writeFileSync(join(own.path, name), '')
  expect(beginJournal(own.path, []).phase).toBe('starting')
})

test.each([
  ['half a journal', '{"version":1'],
  ['one of another version', '{"version":2}'],
])('%s is said, not guessed at', (_name, text) => {
  using own = ownDirectory()
  writeFileSync(join(own.path, 'journal.json'), text)
  expect(() => readJournal(own.path)).toThrow(expect.objectContaining({ code: 'CLUSTER_STATE' }))
})

test.each(['', '{"version":1', '\0\0\0'])('one that a lost power has made %j is what is left of a cluster', (text) => {
  using own = ownDirectory()
  const path = join(own.path, 'journal.json')
  writeFileSync(path, text)
  utimesSync(path, 1, 1)
  expect(readJournal(own.path)).toMatchObject({ phase: 'starting', started: [], missing: [] })
})

test('programs are found where the cluster was started from, unless they are gone', () => {
  using own = ownDirectory()
  const journal = beginJournal(own.path, ['/nowhere', own.path])
  writeFileSync(join(own.path, 'ctr'), '')
  expect(pathOf(journal, 'ctr')).toBe(join(own.path, 'ctr'))
  expect(() => pathOf(journal, 'runc')).toThrow(expect.objectContaining({ code: 'CLUSTER_NO_PROCESS' }))
})
