/** How often one instance may ask ZTS: a bucket that refills slowly, so that a loop gone mad hurts nobody else. */
import { IdentityError } from '@pallas/identity'

export interface Pace {
  /** Takes one, or throws `BUSY` with the time until there is one. */
  take(instance: string): void
  forget(instance: string): void
}

export interface PaceOptions {
  readonly clock: { monotonic(): number }
  readonly burst: number
  readonly refillMs: number
}

export function createPace({ clock, burst, refillMs }: PaceOptions): Pace {
  const buckets = new Map<string, { readonly level: number; readonly at: number }>()
  return {
    take(instance) {
      const now = clock.monotonic()
      const { level, at } = buckets.get(instance) ?? { level: burst, at: now }
      const filled = Math.min(burst, level + (now - at) / refillMs)
      if (filled < 1) {
        const retryAfterMs = Math.ceil((1 - filled) * refillMs)
        throw new IdentityError('BUSY', 'this instance asks too often', {}, { retryAfterMs })
      }
      buckets.set(instance, { level: filled - 1, at: now })
    },
    forget(instance) {
      buckets.delete(instance)
    },
  }
}
