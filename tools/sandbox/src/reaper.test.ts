import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { processesOf } from './e2e/leftovers.ts'
import { eventually } from '@pallas/suite'

/** Its processes carry this directory's name, so what is left can be seen. */
let parent: string
let dir: string

beforeEach(() => {
  parent = mkdtempSync('/tmp/reaper-')
  dir = join(parent, 'state')
  mkdirSync(dir)
})
afterEach(() => rmSync(parent, { recursive: true, force: true }))

/** A process that owns a group of two that ignore polite requests, and is killed. */
const OWNER = `
const { spawn } = require('node:child_process')
const [, reaper, dir, then] = process.argv
import(reaper).then(async ({ openReaper }) => {
  const it = openReaper(dir)
  const child = spawn('sh', ['-c', 'trap "" TERM HUP; sleep 20 & sleep 20', dir], { detached: true, stdio: 'ignore' })
  const owned = it.owns(child.pid)
  if (then === 'disown') owned[Symbol.dispose]()
  if (then === 'farewell') await it[Symbol.asyncDispose]()
  child.unref()
  console.log('ready')
  setInterval(() => {}, 1000)
})
`

async function owner(then: 'nothing' | 'disown' | 'farewell'): Promise<ChildProcess> {
  const argv = ['--disable-warning=ExperimentalWarning', '-e', OWNER, new URL('reaper.ts', import.meta.url).pathname, dir, then]
  const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'inherit'] })
  await new Promise((resolve) => child.stdout.once('data', resolve))
  return child
}

const sleepers = (): number => processesOf(dir).filter((trace) => trace.startsWith('sh -c')).length

test('what a killed process has started ends with it, and its directory goes', async () => {
  const it = await owner('nothing')
  expect(sleepers()).not.toBe(0)
  it.kill('SIGKILL')
  await eventually('nobody', () => (processesOf(dir).length === 0 ? true : undefined))
  expect(existsSync(dir)).toBe(false)
})

test('what has ended is no longer its own: that number may be another process by now', async () => {
  const it = await owner('disown')
  it.kill('SIGKILL')
  await eventually('the directory to go', () => (existsSync(dir) ? undefined : true))
  expect(sleepers()).not.toBe(0)
})

test('after a farewell nothing is done', async () => {
  const it = await owner('farewell')
  it.kill('SIGKILL')
  await new Promise((resolve) => it.once('exit', resolve))
  expect(sleepers()).not.toBe(0)
  expect(existsSync(dir)).toBe(true)
})
