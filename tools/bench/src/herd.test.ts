import { expect, test } from 'vitest'
import { herdIndices } from './herd.ts'

const herd = { certificates: 100, lifeMs: 1_000, withinMs: 0, cycles: 3 }

const halfway = ({ notBefore }: { notBefore: number }) => notBefore + 500

test('a herd that always comes together fills one bucket of the hundred', () => {
  expect(herdIndices(herd, { renewAt: halfway, random: () => 0 })).toEqual([100, 100, 100])
})

test('one that is spread evenly fills all of them alike', () => {
  let turn = 0
  const renewAt = ({ notBefore }: { notBefore: number }, { first }: { first: boolean }) =>
    first ? notBefore + 252 + 5 * (turn++ % 100) : notBefore + 500
  expect(herdIndices(herd, { renewAt, random: () => 0 })).toEqual([1, 1, 1])
})
