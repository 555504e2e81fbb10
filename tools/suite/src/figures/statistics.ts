/** What many samples say in a few numbers. */
export interface Summary {
  readonly n: number
  readonly min: number
  readonly p50: number
  readonly p95: number
  readonly p99: number
  readonly max: number
  readonly mean: number
}

/** Percentiles by nearest rank: each is a sample that was measured. Throws `RangeError` for no samples at all. */
export function summaryOf(samples: readonly number[]): Summary {
  const sorted = Float64Array.from(samples).sort()
  const [min, max] = [sorted.at(0), sorted.at(-1)]
  if (min === undefined || max === undefined) throw new RangeError('no samples')
  const rank = (share: number): number => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? max
  const mean = sorted.reduce((sum, it) => sum + it, 0) / sorted.length
  return { n: sorted.length, min, p50: rank(0.5), p95: rank(0.95), p99: rank(0.99), max, mean }
}

export const medianOf = (samples: readonly number[]): number => summaryOf(samples).p50
