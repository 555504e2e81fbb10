/** What the rule of renewal does to a fleet (design.md 7): shown on the rule itself, with chance that can be repeated. */
import { expect, test } from 'vitest'
import { type Lifetime, renewalFor } from './renewal.ts'

const CERTIFICATES = 10_000
const BUCKETS = 100
const CYCLES = 8
const HOUR = 3_600_000
const LIFE_MS = 24 * HOUR

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

interface Fleet {
  readonly seed: number
  readonly boundMs?: number
  /** Whether the first renewals are drawn as first ones. */
  readonly isSpread?: boolean
}

/** Two renewals in a row lie so far apart in the mean. */
const cycleOf = ({ boundMs = Infinity }: Fleet): number => (boundMs < LIFE_MS / 2 ? 0.9 * boundMs : LIFE_MS / 2)

/** When each of a fleet renews, from an issue within the first minute until all cycles are over. */
function renewals(fleet: Fleet): number[] {
  const { seed, boundMs, isSpread = true } = fleet
  const random = chance(seed)
  const end = (CYCLES + 2) * cycleOf(fleet)
  return Array.from({ length: CERTIFICATES }, () => random() * 60_000).flatMap((issuedAt, n) => {
    const times: number[] = []
    for (let at = issuedAt; ; times.push(at)) {
      const life: Lifetime = { notBefore: at, notAfter: at + LIFE_MS }
      const serial = `${n}.${times.length}`
      const bound = boundMs === undefined ? {} : { maxIntervalMs: boundMs }
      const issue = { first: isSpread && times.length === 0, ...bound }
      at = renewalFor(undefined, { serial, life, issue, random }).at
      if (at >= end) return times
    }
  })
}

/** Of each cycle from the second on: the fullest of 100 buckets ÷ their mean. The first begins with the first renewal. */
function herdIndexes(fleet: Fleet): number[] {
  const times = renewals(fleet)
  const cycleMs = cycleOf(fleet)
  const from = times.reduce((least, at) => Math.min(least, at), Infinity)
  return Array.from({ length: CYCLES - 1 }, (_, n) => {
    const counts = Array.from({ length: BUCKETS }, () => 0)
    for (const at of times) {
      const bucket = Math.floor(((at - from) / cycleMs - n - 1) * BUCKETS)
      if (bucket in counts) counts[bucket] = (counts[bucket] ?? 0) + 1
    }
    return (Math.max(...counts) * BUCKETS) / counts.reduce((sum, count) => sum + count, 0)
  })
}

test.each([undefined, 10 * 60_000, HOUR, 6 * HOUR, 11 * HOUR, 13 * HOUR].flatMap((boundMs) => [1, 2, 3].map((seed) => [boundMs, seed] as const)))(
  'ten thousand issued within a minute are spread from the second cycle on, upper bound %s ms, chance %d (W30)',
  (boundMs, seed) => {
    const fleet = boundMs === undefined ? { seed } : { seed, boundMs }
    expect(Math.max(...herdIndexes(fleet))).toBeLessThanOrEqual(1.5)
  },
)

test.each([undefined, HOUR])('with first renewals that are not spread they would be a herd (upper bound %s ms): the measure can fail', (boundMs) => {
  const fleet = { seed: 1, isSpread: false, ...(boundMs === undefined ? {} : { boundMs }) }
  expect(Math.max(...herdIndexes(fleet))).toBeGreaterThan(1.5)
})
