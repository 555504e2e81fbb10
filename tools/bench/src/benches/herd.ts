/** Whether certificates that were issued together come back together: the rule itself, over ten thousand of them. */
import { renewAt } from '@pallas/credentials'
import { systemClock } from '@pallas/runtime'
import { spread, value } from '@pallas/suite/figures'
import type { Bench } from '../bench.ts'
import { herdIndices } from '../herd.ts'

const CERTIFICATES = 10_000
const LIFE_MS = 24 * 3_600_000
const CYCLES = 8

const random = () => systemClock.random()

export const herdBench: Bench = {
  name: 'herd',
  doc: 'renewals of 10 000 certificates issued within a minute: fullest of 100 buckets of each cycle ÷ mean',
  run: async ({ quick }) => {
    const herd = { certificates: CERTIFICATES, lifeMs: LIFE_MS, cycles: CYCLES, withinMs: 60_000 }
    const runs = Array.from({ length: quick ? 1 : 20 }, () => herdIndices(herd, { renewAt, random }))
    const later = runs.flatMap((run) => run.slice(1))
    const meanOf = (cycle: number) => runs.reduce((sum, run) => sum + (run[cycle] ?? 0), 0) / runs.length
    const shape = Array.from({ length: CYCLES }, (_, cycle) => meanOf(cycle).toFixed(2)).join(' ')
    return [
      value('herd: worst index from the second cycle on', Math.max(...later), {
        unit: 'index',
        n: runs.length * CERTIFICATES,
        line: 'herd',
        notes: [`mean of each cycle: ${shape}; a cycle is half a life, a bucket a hundredth of it`],
      }),
      spread('herd: index from the second cycle on', later, { unit: 'index' }),
    ]
  },
}
