import { expect, test } from 'vitest'
import { interleave, ratioOf, rotated } from './interleave.ts'

const never = new AbortController().signal

test('each round takes one sample of every variant, and begins with another one', async () => {
  const order: string[] = []
  const variant = (name: string) => ({ name, sample: async () => order.push(name) })
  await interleave(['a', 'b', 'c'].map(variant), { rounds: 3, warmUp: 0 }, never)
  expect(order.join('')).toBe('abcbcacab')
})

test('rounds to warm up leave no samples', async () => {
  let taken = 0
  const samples = await interleave([{ name: 'a', sample: async () => taken++ }], { rounds: 2, warmUp: 3 }, never)
  expect(samples.get('a')).toEqual([3, 4])
})

test('it ends between samples when it is told to', async () => {
  const stop = new AbortController()
  const sample = async () => {
    stop.abort(new Error('enough'))
    return 1
  }
  await expect(interleave([{ name: 'a', sample }], { rounds: 9, warmUp: 0 }, stop.signal)).rejects.toThrow('enough')
})

test('a ratio is one of medians', () => {
  expect(ratioOf([2, 4, 900], [2, 2, 2])).toBe(2)
})

test('nothing can be rotated', () => {
  expect(rotated([], 5)).toEqual([])
})
