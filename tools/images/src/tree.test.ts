import { mkdtempSync, readFileSync, readlinkSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { writeTree } from './tree.ts'

test('entries become files, with the modes that they would have in a layer', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'images-'))
  writeFileSync(join(dir, 'program'), 'abc', { mode: 0o600 })
  const to = join(dir, 'tree')
  await writeTree(to, [{ kind: 'text', path: 'etc/group', text: 'root' }])
  await writeTree(to, [
    { kind: 'file', path: 'usr/bin/program', from: join(dir, 'program') },
    { kind: 'link', path: 'usr/bin/other', target: 'program' },
    { kind: 'directory', path: 'tmp', mode: 0o1777 },
  ])
  const modeOf = (path: string) => statSync(join(to, path)).mode & 0o7777
  expect(readFileSync(join(to, 'usr/bin/program'), 'utf8')).toBe('abc')
  expect([modeOf('usr/bin/program'), modeOf('etc/group'), modeOf('tmp')]).toEqual([0o755, 0o644, 0o1777])
  expect(readlinkSync(join(to, 'usr/bin/other'))).toBe('program')
  rmSync(dir, { recursive: true })
})
