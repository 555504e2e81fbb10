/**
 * Processes that are kept out for a while, by their number: what is known of them costs nothing to look up. A number that
 * another process has got meanwhile is kept out with it, for what is left of that while and no longer.
 */
import type { Clock } from '@pallas/host'

export interface KeptOut {
  has(pid: number): boolean
  add(pid: number, forMs: number): void
  readonly size: number
}

/** Those whose time is over are forgotten when there are so many more. */
const SWEEP_EACH = 256

export function createKeptOut({ monotonic }: Pick<Clock, 'monotonic'>): KeptOut {
  const until = new Map<number, number>()
  let sweepAt = SWEEP_EACH

  function sweep(): void {
    if (until.size < sweepAt) return
    for (const [pid, end] of until) if (end <= monotonic()) until.delete(pid)
    sweepAt = until.size + SWEEP_EACH
  }

  return {
    has: (pid) => (until.get(pid) ?? 0) > monotonic(),
    add(pid, forMs) {
      until.set(pid, monotonic() + forMs)
      sweep()
    },
    get size() {
      return until.size
    },
  }
}
