import { expect, test } from 'vitest'
import { fileOf, serialIn } from './torn-reads.ts'

test('a whole file says which set it is of', () => {
  expect(serialIn(fileOf(17))).toBe(17)
})

test.each([
  ['no file', ''],
  ['half a file', fileOf(17).slice(0, 2_000)],
  ['the beginning of one and the end of another', fileOf(17).slice(0, 2_001) + fileOf(18).slice(2_001)],
])('%s is of none', (_name, text) => {
  expect(serialIn(text)).toBeUndefined()
})
