/** How often somebody may do something: a bucket each that refills slowly, so that a loop gone mad hurts nobody else. */
import { IdentityError } from '@pallas/identity'

export interface Pace {
  /** Takes one, or throws `BUSY` with the time until there is one. */
  take(who: string): void
  /** Takes one and gives 0, or takes none and gives the milliseconds until there is one. */
  tryTake(who: string): number
  /** Those who took lately; those whose bucket is full again are forgotten. */
  readonly size: number
}

export interface PaceOptions extends Rate {
  readonly clock: { monotonic(): number }
}

export interface Rate {
  readonly burst: number
  readonly refillMs: number
}

export function createPace({ clock, burst, refillMs }: PaceOptions): Pace {
  const buckets = new Map<string, Bucket>()
  let sweepAt = 0

  const levelOf = ({ level, at }: Bucket, now: number): number => Math.min(burst, level + (now - at) / refillMs)

  function sweep(now: number): void {
    if (now < sweepAt) return
    sweepAt = now + burst * refillMs
    for (const [who, bucket] of buckets) if (levelOf(bucket, now) >= burst) buckets.delete(who)
  }

  function tryTake(who: string): number {
    const now = clock.monotonic()
    sweep(now)
    const level = levelOf(buckets.get(who) ?? { level: burst, at: now }, now)
    if (level < 1) return Math.ceil((1 - level) * refillMs)
    buckets.set(who, { level: level - 1, at: now })
    return 0
  }

  return {
    get size() {
      return buckets.size
    },
    tryTake,
    take(who) {
      const retryAfterMs = tryTake(who)
      if (retryAfterMs > 0) throw new IdentityError('BUSY', 'this caller asks too often', {}, { retryAfterMs })
    },
  }
}

interface Bucket {
  readonly level: number
  readonly at: number
}
