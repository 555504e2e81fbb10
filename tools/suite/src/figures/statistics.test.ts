import { expect, test } from 'vitest'
import { medianOf, summaryOf } from './statistics.ts'

test('percentiles are samples, found by nearest rank whatever the order they came in', () => {
  const samples = Array.from({ length: 200 }, (_, i) => 200 - i)
  expect(summaryOf(samples)).toEqual({ n: 200, min: 1, p50: 100, p95: 190, p99: 198, max: 200, mean: 100.5 })
})

test('one sample is every percentile', () => {
  expect(summaryOf([7])).toEqual({ n: 1, min: 7, p50: 7, p95: 7, p99: 7, max: 7, mean: 7 })
})

test('samples are compared as numbers, and left as they were', () => {
  const samples = [10, 9, 100]
  expect(medianOf(samples)).toBe(10)
  expect(samples).toEqual([10, 9, 100])
})

test('no samples have no summary', () => {
  expect(() => summaryOf([])).toThrow(RangeError)
})
