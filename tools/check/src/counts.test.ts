import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { closingLine, keepCount, NO_TESTS, readCounts, sum } from './counts.ts'

function countsFile() {
  const dir = mkdtempSync(join(tmpdir(), 'counts-'))
  return { path: join(dir, 'counts'), [Symbol.dispose]: () => rmSync(dir, { recursive: true }) }
}

test('the closing line tells of skipped tests only where there are some', () => {
  expect(closingLine({ passed: 3, failed: 1, skipped: 0 })).toBe('3 passed, 1 failed')
  expect(closingLine({ passed: 3, failed: 1, skipped: 2 })).toBe('3 passed, 1 failed, 2 skipped')
})

test('the runs of one check are summed up, whatever they were', () => {
  using file = countsFile()
  keepCount(file.path, { passed: 10, failed: 0, skipped: 2 })
  keepCount(file.path, { passed: 5, failed: 1, skipped: 0 })
  expect(sum(readCounts(file.path))).toEqual({ passed: 15, failed: 1, skipped: 2 })
})

test('no run at all is no test at all', () => {
  using file = countsFile()
  writeFileSync(file.path, '')
  expect(sum(readCounts(file.path))).toEqual(NO_TESTS)
})

test.each([
  ['half a line is no count', '{"passed":1'],
  ['a count without its failures is none', '{"passed":1,"skipped":0}'],
  ['a count below zero is none', '{"passed":1,"failed":-1,"skipped":0}'],
  ['null is no count', 'null'],
])('%s', (_title, line) => {
  using file = countsFile()
  writeFileSync(file.path, `${line}\n`)
  expect(() => readCounts(file.path)).toThrow()
})
