/** How often one instance may ask ZTS: a bucket that refills slowly, so that a loop gone mad hurts nobody else. */
import { IdentityError } from '@pallas/identity'

export interface Pace {
  /** Takes one, or throws `BUSY` with the time until there is one. */
  take(instance: string): void
  /** Instances that asked lately; those whose bucket is full again are forgotten. */
  readonly size: number
}

export interface PaceOptions {
  readonly clock: { monotonic(): number }
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
    for (const [instance, bucket] of buckets) if (levelOf(bucket, now) >= burst) buckets.delete(instance)
  }

  return {
    get size() {
      return buckets.size
    },
    take(instance) {
      const now = clock.monotonic()
      sweep(now)
      const level = levelOf(buckets.get(instance) ?? { level: burst, at: now }, now)
      if (level < 1) {
        const retryAfterMs = Math.ceil((1 - level) * refillMs)
        throw new IdentityError('BUSY', 'this instance asks too often', {}, { retryAfterMs })
      }
      buckets.set(instance, { level: level - 1, at: now })
    },
  }
}

interface Bucket {
  readonly level: number
  readonly at: number
}
