import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { madeImages } from './load.ts'

let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'images-'))
})
afterEach(() => rmSync(dir, { recursive: true }))

test('without a name, every archive that was made is loaded, and nothing that lies beside them', () => {
  for (const name of ['b.tar', 'a.tar', 'a.spdx.json']) writeFileSync(join(dir, name), '')
  mkdirSync(join(dir, '.work-1'))
  expect(madeImages(dir)).toEqual([join(dir, 'a.tar'), join(dir, 'b.tar')])
})

test.each(['', 'not-there'])('where none was made (%j), it says how to make them', (below) => {
  expect(() => madeImages(join(dir, below))).toThrow(expect.objectContaining({ code: 'CLUSTER_NO_IMAGE', message: expect.stringContaining('npm run images') as string }))
})
