import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { findBeacon, lightBeacon } from './beacon.ts'

const one = { apiServer: 'https://127.0.0.1:1', ca: 'ca', token: 'secret', logs: '/l', kubeletRoot: '/k' }
const other = { ...one, apiServer: 'https://127.0.0.1:2' }
let dir: string

beforeEach(() => {
  dir = mkdtempSync('/tmp/beacon-')
  vi.stubEnv('TMPDIR', dir)
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(dir, { recursive: true })
})

const file = (): string => join(dir, readdirSync(dir)[0] ?? '')

test('a sandbox that is up is found by its user alone, until it ends', () => {
  expect(findBeacon()).toBeUndefined()
  {
    using _lit = lightBeacon(one)
    expect(findBeacon()).toEqual(one)
    expect(statSync(file()).mode & 0o777).toBe(0o600)
  }
  expect(findBeacon()).toBeUndefined()
  expect(readdirSync(dir)).toEqual([])
})

test('of two sandboxes the one that came up last is found, and the end of the first does not hide it', () => {
  const first = lightBeacon(one)
  using _second = lightBeacon(other)
  first[Symbol.dispose]()
  expect(findBeacon()).toEqual(other)
})

test('a link that somebody laid there is neither followed nor written through', () => {
  lightBeacon(one)[Symbol.dispose]()
  const target = join(dir, 'target')
  writeFileSync(target, JSON.stringify(other))
  symlinkSync(target, join(dir, `pallas-sandbox-${process.getuid?.() ?? 0}.json`))
  expect(findBeacon()).toBeUndefined()
  using _lit = lightBeacon(one)
  expect(findBeacon()).toEqual(one)
  expect(readFileSync(target, 'utf8')).toBe(JSON.stringify(other))
})

test('a file that is no beacon is none', () => {
  using _lit = lightBeacon(one)
  writeFileSync(file(), '{')
  expect(findBeacon()).toBeUndefined()
})
