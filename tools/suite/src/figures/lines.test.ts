import { expect, test } from 'vitest'
import { spread, value } from './figure.ts'
import { judge } from './lines.ts'

test('every bound of a line must hold', () => {
  expect(judge('sia-init', { p50: 60, p99: 150 })).toBe(true)
  expect(judge('sia-init', { p50: 60, p99: 151 })).toBe(false)
  expect(judge('sia-init', { p50: 61, p99: 150 })).toBe(false)
})

test('a line may ask for at least so much', () => {
  expect(judge('webhook-rate', { value: 5_000 })).toBe(true)
  expect(judge('webhook-rate', { value: 4_999 })).toBe(false)
})

test('what was not measured does not hold', () => {
  expect(judge('sia-init', { value: 1 })).toBe(false)
  expect(judge('torn-reads', { value: Number.NaN })).toBe(false)
})

test('a figure with a line is judged, one without is not', () => {
  expect(spread('a', [1, 2], { unit: 'ms', line: 'webhook-latency' }).met).toBe(true)
  expect(value('a', 1.6, { unit: 'index', line: 'herd' }).met).toBe(false)
  expect(value('a', 1.6, { unit: 'index' })).not.toHaveProperty('met')
})
