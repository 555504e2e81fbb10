/** How far renewals of certificates of one moment crowd together, cycle by cycle. */
import type { Issue, Lifetime } from '@pallas/credentials'

export interface Herd {
  readonly certificates: number
  readonly lifeMs: number
  /** All are issued within this time. */
  readonly withinMs: number
  readonly cycles: number
}

export interface HerdDeps {
  readonly renewAt: (life: Lifetime, issue: Issue, random: number) => number
  readonly random: () => number
}

const BUCKETS = 100

/** Of each cycle (half a life, from a quarter of it on) the fullest of a hundred buckets, in multiples of the mean. */
export function herdIndices(herd: Herd, { renewAt, random }: HerdDeps): readonly number[] {
  const { certificates, lifeMs, withinMs, cycles } = herd
  const cycleMs = lifeMs / 2
  const start = lifeMs / 4
  const end = start + cycles * cycleMs
  const counts = Array.from({ length: cycles }, () => new Uint32Array(BUCKETS))
  for (let i = 0; i < certificates; i++) {
    let at = random() * withinMs
    for (let first = true; at < end; first = false) {
      at = renewAt({ notBefore: at, notAfter: at + lifeMs }, { first }, random())
      const position = (at - start) / cycleMs
      const bucket = Math.floor((position % 1) * BUCKETS)
      const cycle = counts[Math.floor(position)]
      if (position >= 0 && cycle !== undefined) cycle[bucket] = (cycle[bucket] ?? 0) + 1
    }
  }
  return counts.map((cycle) => Math.max(...cycle) / (cycle.reduce((sum, it) => sum + it, 0) / BUCKETS))
}
