import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createClocks } from './clocks.ts'

let dir: string

beforeEach(() => {
  dir = mkdtempSync('/tmp/clocks-')
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

/** Tells its clocks whenever it is asked. */
const TELL = `
require('node:readline').createInterface({ input: process.stdin }).on('line', () => {
  const given = [new Date(0).toISOString(), new Date(2030, 0).getFullYear(), Date.UTC(2030, 0), new Date() instanceof Date]
  console.log(JSON.stringify({ now: Date.now(), made: new Date().getTime(), text: Date.parse(Date()), monotonic: performance.now(), given }))
})
`

interface Told {
  readonly now: number
  readonly made: number
  readonly text: number
  readonly monotonic: number
  readonly given: readonly unknown[]
}

function program(name: string) {
  const clocks = createClocks(join(dir, 'clocks'))
  const [command = '', ...args] = clocks.argv([process.execPath, '--disable-warning=ExperimentalWarning', '-e', TELL])
  const child = spawn(command, args, { env: clocks.env(name), stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return {
    clocks,
    async ask(): Promise<Told> {
      child.stdin.write('?\n')
      return JSON.parse(String((await lines.next()).value)) as Told
    },
    [Symbol.dispose]: () => child.kill('SIGKILL'),
  }
}

const YEAR = 365 * 86_400_000

test("a program's wall clock is as far off as it is told, there and back; what passes meanwhile is true", async () => {
  using it = program('agent')
  const { monotonic } = await it.ask()
  for (const ms of [2 * YEAR, -3_600_000, 0]) {
    await it.clocks.shift('agent', ms)
    const { now, made, text } = await it.ask()
    for (const seen of [now, made, text]) expect(Math.abs(seen - Date.now() - ms)).toBeLessThan(60_000)
  }
  expect((await it.ask()).monotonic - monotonic).toBeLessThan(60_000)
})

test('a date that is made of something is that date, and the clock of another program is its own', async () => {
  using it = program('agent')
  await it.clocks.shift('agent', YEAR)
  await it.clocks.shift('pods', 5 * YEAR)
  const { now, given } = await it.ask()
  expect(given).toEqual(['1970-01-01T00:00:00.000Z', 2030, Date.UTC(2030, 0), true])
  expect(Math.abs(now - Date.now() - YEAR)).toBeLessThan(60_000)
})
