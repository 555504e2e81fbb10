import { expect, test } from 'vitest'
import { all, any, literal, not, present, quoted, select } from './cel.ts'

test.each([
  ['plain', `'plain'`],
  [`it's`, String.raw`'it\'s'`],
  ['a\\b', String.raw`'a\\b'`],
  ['line\nbreak\t"', String.raw`'line\U0000000abreak\U00000009"'`],
  ['ü 🙂', String.raw`'\U000000fc \U0001f642'`],
  [`' || true || '`, String.raw`'\' || true || \''`],
])('%j is text of an expression, whatever is in it (T26)', (text, expected) => {
  expect(quoted(text)).toBe(expected)
})

test.each<[unknown, string]>([
  [true, 'true'],
  [7, '7'],
  [['a', 'b'], `['a', 'b']`],
  [[], '[]'],
  [[1, 'b'], `[dyn(1), dyn('b')]`],
  [{ a: 'b' }, `{'a': 'b'}`],
  [{ a: 1, b: { c: ['d'] } }, `{'a': dyn(1), 'b': dyn({'c': dyn(['d'])})}`],
  [{}, '{}'],
])('%j is one kind of value for the compiler', (value, expected) => {
  expect(literal(value)).toBe(expected)
})

test('a field that cannot stand behind a dot is named by its text', () => {
  expect([select('c', 'image'), present('c', 'image')]).toEqual(['c.image', 'has(c.image)'])
  expect([select('c', 'a.b/c'), present('c', 'in')]).toEqual([`c['a.b/c']`, `'in' in c`])
})

test('terms are joined so that none comes apart', () => {
  expect(all(['a', any(['b', 'c']), 'true', 'a'])).toBe('a && (b || c)')
  expect(any([all(['a', 'b']), not('c')])).toBe('(a && b) || !(c)')
  expect([all([]), all(['true'])]).toEqual(['true', 'true'])
})
