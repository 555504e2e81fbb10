import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { takeDown } from './down.ts'
import { beginJournal, writeJournal } from './journal.ts'
import { clusterAt } from './layout.ts'

function ownDirectory() {
  const path = mkdtempSync(`${tmpdir()}/down-`)
  return { path, cluster: clusterAt(join(path, 'state')), [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) }
}

test('of a cluster that did not outlive the machine only files are removed, and none of whoever came after it', async () => {
  using own = ownDirectory()
  const { stateDirectory } = own.cluster
  const [empty, used] = [join(own.path, 'empty'), join(own.path, 'used')]
  for (const directory of [empty, used]) mkdirSync(directory)
  writeFileSync(join(used, 'theirs'), '')
  writeJournal(stateDirectory, { ...beginJournal(stateDirectory, []), bootId: 'of another life', missing: [empty, used], sysctls: { 'no/such': '1' } })
  expect(await takeDown(own.cluster)).toBe(true)
  expect([stateDirectory, empty, used].map((path) => existsSync(path))).toEqual([false, false, true])
  expect(await takeDown(own.cluster)).toBe(false)
})

test('what a cluster that never began has left is removed, unless it is the logs that are to be kept', async () => {
  using own = ownDirectory()
  const logs = join(own.cluster.stateDirectory, 'logs')
  mkdirSync(logs, { recursive: true })
  await takeDown(own.cluster, { keepLogs: true })
  expect(existsSync(logs)).toBe(true)
  await takeDown(own.cluster)
  expect(existsSync(own.cluster.stateDirectory)).toBe(false)
})

test('a directory that is not a cluster is left alone', async () => {
  using own = ownDirectory()
  const theirs = join(own.cluster.stateDirectory, 'theirs')
  mkdirSync(theirs, { recursive: true })
  expect(await takeDown(own.cluster)).toBe(false)
  expect(existsSync(theirs)).toBe(true)
})
