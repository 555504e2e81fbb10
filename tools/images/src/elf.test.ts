import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { copyStripped, readProgram } from './elf.ts'
import { aStaticProgram } from './testing/static-program.ts'

function aBench() {
  const dir = mkdtempSync(join(tmpdir(), 'images-'))
  return { at: (name: string) => join(dir, name), [Symbol.dispose]: () => rmSync(dir, { recursive: true }) }
}

test('Node says which libraries it needs, and by whom it wants to be linked', async () => {
  const { interpreter, needed, architecture } = await readProgram(process.execPath)
  expect(needed).toEqual(expect.arrayContaining(['libc.so.6', 'libstdc++.so.6', 'libm.so.6']))
  expect(interpreter).toMatch(/^\/lib(64)?\/ld-linux-[a-z0-9_-]+\.so\.\d$/)
  expect(architecture).toBe(process.arch === 'arm64' ? 'arm64' : 'amd64')
})

test('a static program needs nothing', async () => {
  using bench = aBench()
  writeFileSync(bench.at('program'), aStaticProgram('amd64'))
  expect(await readProgram(bench.at('program'))).toMatchObject({ architecture: 'amd64', interpreter: undefined, needed: [] })
})

test('without what debuggers read, Node is smaller, runs, and is the same each time', async () => {
  using bench = aBench()
  await copyStripped(process.execPath, bench.at('node'))
  expect(statSync(bench.at('node')).size).toBeLessThan(statSync(process.execPath).size)
  expect(execFileSync(bench.at('node'), ['-p', 'process.version'], { encoding: 'utf8' }).trim()).toBe(process.version)
  await copyStripped(bench.at('node'), bench.at('again'))
  execFileSync('cmp', [bench.at('node'), bench.at('again')])
})

test.each<[string, Uint8Array]>([
  ['a text', Buffer.from('#!/bin/sh\nexit 0\n'.repeat(10))],
  ['nothing', Buffer.alloc(0)],
  ['a program of another machine', aStaticProgram('amd64').fill(40, 18, 19)],
  ['a program of 32 bits', aStaticProgram('amd64').fill(1, 4, 5)],
  ['a program that was cut', aStaticProgram('amd64').subarray(0, 70)],
])('%s is refused', async (_name, bytes) => {
  using bench = aBench()
  writeFileSync(bench.at('program'), bytes)
  await expect(readProgram(bench.at('program'))).rejects.toMatchObject({ code: 'IMAGES_BAD_PROGRAM' })
})

test('a program that is not there is told apart', async () => {
  await expect(readProgram('/nowhere/program')).rejects.toMatchObject({ code: 'IMAGES_FILE_MISSING' })
})
