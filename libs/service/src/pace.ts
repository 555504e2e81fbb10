/** How often somebody may do something: a bucket each that refills slowly, so that a loop gone mad hurts nobody else. */
import { IdentityError } from '@pallas/identity'

export interface Pace {
  /** Takes one, or throws `BUSY` with the time until there is one. */
  take(who: string): void
  /** Throws what `take` would, and takes none. */
  check(who: string): void
  /** Takes one and gives 0, or takes none and gives the milliseconds until there is one. */
  tryTake(who: string): number
  /** Those who took lately; those whose bucket is full again are forgotten. */
  readonly size: number
}

export interface PaceOptions extends Rate {
  readonly clock: { monotonic(): number }
  /** Who is not among so many that took lately has to wait until some of them are forgotten; without it there is no end of them. */
  readonly most?: number
}

export interface Rate {
  readonly burst: number
  readonly refillMs: number
}

export function createPace({ clock, burst, refillMs, most = Infinity }: PaceOptions): Pace {
  const buckets = new Map<string, Bucket>()
  let sweepAt = 0

  const levelOf = ({ level, at }: Bucket, now: number): number => Math.min(burst, level + (now - at) / refillMs)

  function sweep(now: number): void {
    if (now < sweepAt) return
    sweepAt = now + burst * refillMs
    for (const [who, bucket] of buckets) if (levelOf(bucket, now) >= burst) buckets.delete(who)
  }

  /** Gives what is left of one who may take now, or the milliseconds until he may. */
  function look(who: string, now: number): { readonly level: number; readonly waitMs: number } {
    sweep(now)
    const bucket = buckets.get(who)
    if (bucket === undefined && buckets.size >= most) return { level: 0, waitMs: Math.max(1, Math.ceil(sweepAt - now)) }
    const level = bucket === undefined ? burst : levelOf(bucket, now)
    return { level, waitMs: level < 1 ? Math.ceil((1 - level) * refillMs) : 0 }
  }

  function tryTake(who: string): number {
    const now = clock.monotonic()
    const { level, waitMs } = look(who, now)
    if (waitMs === 0) buckets.set(who, { level: level - 1, at: now })
    return waitMs
  }

  return {
    get size() {
      return buckets.size
    },
    tryTake,
    take: (who) => orBusy(tryTake(who)),
    check: (who) => orBusy(look(who, clock.monotonic()).waitMs),
  }
}

function orBusy(retryAfterMs: number): void {
  if (retryAfterMs > 0) throw new IdentityError('BUSY', 'this caller asks too often', {}, { retryAfterMs })
}

interface Bucket {
  readonly level: number
  readonly at: number
}
