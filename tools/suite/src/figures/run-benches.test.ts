import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { value } from './figure.ts'
import { type RunnableBench, runBenches } from './run-benches.ts'

const dir = mkdtempSync(join(tmpdir(), 'figures-'))
afterEach(() => rmSync(dir, { recursive: true, force: true }))

async function run(benches: readonly RunnableBench[], signal = new AbortController().signal) {
  const said: string[] = []
  const path = join(dir, 'run.json')
  const terms = { root: dir, isolation: 'none', quick: true, markdown: false, out: path, signal }
  const code = await runBenches(benches, { ...terms, say: (line) => void said.push(line), mutter: () => undefined })
  return { code, said: said.join('\n'), report: JSON.parse(readFileSync(path, 'utf8')) }
}

const good = { name: 'a', doc: 'counts', run: () => Promise.resolve([value('a: reads', 7, { unit: 'reads' })]) }
const bad = { name: 'b', doc: 'breaks', run: () => Promise.reject(new Error('broke')) }

test('a bench that breaks is told of, and those beside it keep their figures', async () => {
  const { code, said, report } = await run([bad, good])
  expect(code).toBe(1)
  expect(said).toContain('a: reads')
  expect(said).toContain('b failed: broke')
  expect(report).toMatchObject({ quick: true, benches: [{ name: 'b', failure: 'broke' }, { name: 'a', figures: [{ value: 7 }] }] })
})

test('once told to stop it begins no other bench, and a run of all of them is a success', async () => {
  expect(await run([good])).toMatchObject({ code: 0 })
  expect(await run([good], AbortSignal.abort())).toMatchObject({ code: 1, report: { benches: [] } })
})
