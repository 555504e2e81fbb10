import { expect, test } from 'vitest'
import { spread, value } from './figure.ts'
import { footnotes, markdownTable, shown, textTable } from './table.ts'

const figures = [
  spread('webhook: 200/s', [1, 1.256, 3], { unit: 'ms', line: 'webhook-latency', notes: ['one core'] }),
  value('herd: fullest ÷ mean', 1.333, { unit: 'index', n: 10_000, line: 'herd' }),
]

test('the columns of the text table stand below each other', () => {
  expect(textTable(figures).split('\n')).toEqual([
    'what                  unit       n  min   p50  p95  p99  max  line',
    'webhook: 200/s        ms         3    1  1.26    3    3    3  MISSED',
    'herd: fullest ÷ mean  index  10000       1.33                 met',
  ])
})

test('the same in markdown; a bar in a name cannot break a row', () => {
  const [head, rule, first, second] = markdownTable([...figures.slice(1), value('a | b', 2, { unit: '×' })]).split('\n')
  expect(head).toBe('| what | unit | n | min | p50 | p95 | p99 | max | line |')
  expect(rule).toBe('|---|---|--:|--:|--:|--:|--:|--:|---|')
  expect(first).toBe('| herd: fullest ÷ mean | index | 10000 |  | 1.33 |  |  |  | met |')
  expect(second).toContain('a \\| b')
})

test('below stand the lines with how they were met, and the notes', () => {
  expect(footnotes([...figures, ...figures])).toEqual([
    'MISSED webhook at 200 reviews/s on one core: p99 ≤ 2 ms',
    'met    herd index, 10 000 certificates of one minute: ≤ 1.5 from the second cycle on',
    'webhook: 200/s: one core',
  ])
})

test.each([
  [0, '0'],
  [0.123, '0.12'],
  [12.34, '12.3'],
  [123.4, '123'],
  [1_234_567, '1234567'],
  [Number.NaN, 'NaN'],
])('%d is shown as %s', (number, text) => {
  expect(shown(number)).toBe(text)
})
