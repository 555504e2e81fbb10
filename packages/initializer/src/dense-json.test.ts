import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { isDense } from './dense-json.ts'

test.each([
  ['[1,2,3]', 3],
  ['{"a":{"b":[]}}', 3],
  ['{"a":"[[[,,,{{{"}', 1],
  [String.raw`{"a":"\\\"[[[","b":"\\",",":[","]}`, 4],
])('%s holds %i values besides what is written in strings', (text, count) => {
  expect(isDense(text, count)).toBe(false)
  expect(isDense(text, count - 1)).toBe(true)
})

test('no value goes uncounted (T44)', () => {
  const countOf = (value: unknown): number => (typeof value === 'object' && value !== null ? Object.values(value).reduce((sum: number, it) => sum + countOf(it), 1) : 1)
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      // Of an empty list or map, the bracket is counted; of any other, its first value, too.
      const count = countOf(value)
      if (count > 2) expect(isDense(JSON.stringify(value), Math.ceil(count / 2) - 1)).toBe(true)
    }),
  )
})

test('a pod of common size is far from the limit, and the longest text has not to be read to its end', () => {
  expect(isDense(JSON.stringify({ containers: Array.from({ length: 2_000 }, (_, index) => ({ name: `c${index}`, image: 'a' })) }))).toBe(false)
  expect(isDense(`[${'{},'.repeat(1_000_000)}`)).toBe(true)
})
