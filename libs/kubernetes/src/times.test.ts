import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { formatTime, parseHttpDate, parseTime } from './times.ts'

test('a time written is the time read, to the second', () => {
  const property = fc.property(fc.integer({ min: 0, max: 4_102_444_800 }), fc.nat(999), (seconds, ms) => {
    expect(parseTime(formatTime(seconds * 1_000 + ms))).toBe(seconds * 1_000)
  })
  fc.assert(property)
})

test.each([
  ['2026-11-21T10:13:31.632926907Z', 1_795_256_011_632],
  ['2026-11-21T11:13:31+01:00', 1_795_256_011_000],
  ['2026-11-21', undefined],
  ['now', undefined],
  ['', undefined],
])('%s is %s', (text, ms) => {
  expect(parseTime(text)).toBe(ms)
})

test('the date of an answer is read to the second, and nothing else is', () => {
  expect(parseHttpDate('Sat, 21 Nov 2026 19:15:07 GMT')).toBe(Date.parse('2026-11-21T19:15:07Z'))
  for (const text of ['', 'Sat, 21 Foo 2026 19:15:07 GMT', 'Saturday, 21-Nov-26 19:15:07 GMT', 'Sat, 41 Nov 2026 19:15:07 GMT', '2026-11-21T19:15:07Z']) {
    expect(parseHttpDate(text)).toBeUndefined()
  }
})
