/** What the rule of renewal does to a fleet (design.md 7): shown on the rule itself, with chance that can be repeated. */
import { expect, test } from 'vitest'
import { type Lifetime, renewalFor } from './renewal.ts'

const CERTIFICATES = 10_000
const BUCKETS = 100
const LIFE_MS = 24 * 3_600_000
const CYCLE_MS = LIFE_MS / 2

/** Mulberry32: uniform enough for this, and the same in every run. */
function chance(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let it = Math.imul(state ^ (state >>> 15), 1 | state)
    it = (it + Math.imul(it ^ (it >>> 7), 61 | it)) ^ it
    return ((it ^ (it >>> 14)) >>> 0) / 2 ** 32
  }
}

/** When each of a fleet renews, from an issue within the first minute until `cycles` are over. */
function renewals(cycles: number, random: () => number): number[] {
  const end = (cycles + 1) * CYCLE_MS
  return Array.from({ length: CERTIFICATES }, () => random() * 60_000).flatMap((issuedAt, n) => {
    const times: number[] = []
    for (let at = issuedAt; ; times.push(at)) {
      const life: Lifetime = { notBefore: at, notAfter: at + LIFE_MS }
      const serial = `${n}.${times.length}`
      at = renewalFor(undefined, { serial, life, issue: { first: times.length === 0 }, random }).at
      if (at >= end) return times
    }
  })
}

/** Fullest of 100 buckets of one cycle ÷ their mean. The first cycle begins with the first renewal, at a quarter of life. */
function herdIndex(times: readonly number[], cycle: number): number {
  const from = LIFE_MS / 4 + (cycle - 1) * CYCLE_MS
  const counts = Array.from({ length: BUCKETS }, () => 0)
  for (const at of times) {
    const bucket = Math.floor(((at - from) / CYCLE_MS) * BUCKETS)
    if (bucket in counts) counts[bucket] = (counts[bucket] ?? 0) + 1
  }
  return (Math.max(...counts) * BUCKETS) / counts.reduce((sum, count) => sum + count, 0)
}

test.each([1, 2, 3])('ten thousand issued within a minute are spread from the second cycle on, chance %d (W30)', (seed) => {
  const cycles = 6
  const times = renewals(cycles, chance(seed))
  for (let cycle = 2; cycle < cycles; cycle++) expect(herdIndex(times, cycle), `cycle ${cycle}`).toBeLessThanOrEqual(1.5)
})
