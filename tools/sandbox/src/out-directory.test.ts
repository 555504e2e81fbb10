import { mkdtempDisposableSync, readdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { prepareOut } from './out-directory.ts'

const temporary = () => mkdtempDisposableSync(join(tmpdir(), 'out-'))

test('missing directories are made, below where the user stands, and left empty', () => {
  using dir = temporary()
  expect(prepareOut('a/b', dir.path)).toBe(join(dir.path, 'a/b'))
  expect(prepareOut('a/b', dir.path)).toBe(join(dir.path, 'a/b'))
  expect(readdirSync(join(dir.path, 'a/b'))).toEqual([])
})

test('a file in the way, and a place where nothing can be made, are told at once', () => {
  using dir = temporary()
  writeFileSync(join(dir.path, 'file'), '')
  expect(() => prepareOut('file', dir.path)).toThrow(/--out .*file cannot be used: it is not a directory/)
  expect(() => prepareOut('file/below', dir.path)).toThrow('cannot be used')
  expect(() => prepareOut('/proc/nope', dir.path)).toThrow('--out /proc/nope cannot be used')
})
