import { expect, test } from 'vitest'
import { tagsIn } from './tags.ts'

test.each([
  ['one tag', "test('unmounts twice (W9)', () => {})", ['W9']],
  ['several tags', "test('unmounts twice (W9, T35)', () => {})", ['W9', 'T35']],
  ['a leading zero', 'test.each([["a handle (T01)"]])', ['T1']],
  ['a template', 'it(`says ${what} (C10)`, run)', ['C10']],
  ['a tag that does not end a title', "test('(W9) first')", []],
  ['a tag in a comment', '// see W9 (W9) here', []],
  ['another letter', "test('x (X1)')", []],
])('reads %s', (_what, source, tags) => {
  expect(tagsIn(source)).toEqual(tags)
})
