import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openOwnDirectory } from './own-directory.ts'

test('what is put in place of a directory after it was looked at gets nothing', async () => {
  const root = mkdtempSync(join(tmpdir(), 'pa-'))
  const [path, moved, planted] = ['plugins', 'moved', 'planted'].map((name) => join(root, name)) as [string, string, string]
  mkdirSync(path)
  mkdirSync(planted)
  {
    await using own = await openOwnDirectory(path, process.geteuid!())
    renameSync(path, moved)
    symlinkSync(planted, path)
    writeFileSync(own.at('driver'), 'version 1')
    await own.sync()
  }
  expect(readdirSync(planted)).toEqual([])
  expect(readdirSync(moved)).toEqual(['driver'])
  rmSync(root, { recursive: true })
})
