import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { REPOSITORY } from '../repository.ts'
import { endToEndTests } from './end-to-end.ts'

test('a file of end-to-end tests runs on both homes, unless its first comment says why not', () => {
  const root = mkdtempSync(join(tmpdir(), 'e2e-'))
  using _root = { [Symbol.dispose]: () => rmSync(root, { recursive: true }) }
  const dir = join(root, 'tools/sandbox/src/e2e')
  mkdirSync(dir, { recursive: true })
  const files = {
    'new.test.ts': "import { test } from 'vitest'\n",
    'late.test.ts': "/** What it is. */\n/**\n * Node's home alone: it is too late to say so.\n */\n",
    'empty.test.ts': "/**\n * Node's home alone: \n */\n",
    'clock.test.ts': "/**\n * Clocks.\n *\n * Node's home alone: only its clock can be set wrong.\n */\n",
    'helper.ts': '',
  }
  for (const [name, source] of Object.entries(files)) writeFileSync(join(dir, name), source)
  expect(endToEndTests(root)).toEqual({
    files: ['empty', 'late', 'new'].map((name) => `tools/sandbox/src/e2e/${name}.test.ts`),
    left: [{ name: 'clock', why: 'only its clock can be set wrong.' }],
  })
})

test('the files of this repository are found, and few are left', () => {
  const { files, left } = endToEndTests(REPOSITORY)
  expect(files).toContain('tools/sandbox/src/e2e/launch.test.ts')
  expect(files.length).toBeGreaterThan(2 * left.length)
})
