import { expect, test } from 'vitest'
import type { Evidence, Tag } from './tags.ts'
import { gaps, weaknessTable } from './tables.ts'

const found = (...tags: readonly Tag[]) => new Map<Tag, readonly Evidence[]>(tags.map((tag) => [tag, [{ file: 'libs/x/src/a.test.ts', titles: 2 }]]))

test('a line that no test shows is a gap', () => {
  expect(gaps(found('W1'))).toContain('no title of a test ends in (W2)')
  expect(gaps(found('W1'))).not.toContain('no title of a test ends in (W1)')
})

test('a line that waits for a part to come is no gap', () => {
  expect(gaps(found()).join()).not.toContain('T42')
})

test('a title that names a line there is not is told with its file', () => {
  expect(gaps(found('W41'))).toContain('libs/x/src/a.test.ts names W41, which is on no list')
})

test('a row links the file and counts the titles', () => {
  expect(weaknessTable(found('W9'))).toContain('[x/a](../libs/x/src/a.test.ts) ×2')
})
