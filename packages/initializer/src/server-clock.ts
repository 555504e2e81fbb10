import type { Clock } from '@pallas/runtime'
import { SKEW_MS } from './serving-pair.ts'

/** What the API server's answers say of its clock. */
export interface ServerClock {
  readonly told: (at: number) => void
  /** Epoch milliseconds, to a few seconds; undefined before the first answer. */
  readonly now: () => number | undefined
  /** How far our own clock is ahead of it. */
  readonly aheadMs: () => number | undefined
  /** In words: what is served may not be valid yet, or no more, to who asks. */
  readonly problem: () => string | undefined
}

/** Its last answer counts, and between two of them the time that has passed here by the clock that nobody sets. */
export function createServerClock(clock: Pick<Clock, 'now' | 'monotonic'>): ServerClock {
  let offset: number | undefined
  const now = (): number | undefined => (offset === undefined ? undefined : clock.monotonic() + offset)
  const aheadMs = (): number | undefined => {
    const there = now()
    return there === undefined ? undefined : clock.now() - there
  }
  return {
    told: (at) => void (offset = at - clock.monotonic()),
    now,
    aheadMs,
    problem: () => (Math.abs(aheadMs() ?? 0) > SKEW_MS ? 'the clock of this replica and that of the api server differ by more than five minutes' : undefined),
  }
}
