/** For how long a pod has asked in vain, for want of somebody who is away: a start is slow at times, and no Event is due. */

export interface Outages {
  /** It has asked in vain once more: whether that goes on for long. */
  isLong(uid: string): boolean
  over(uid: string): void
  readonly size: number
}

/** Longer than a ZTS, a kubelet or an API server takes to come back from a restart. */
export const LONG_MS = 2 * 60_000
/** A refresher asks once an hour at the least: what lies further apart is not one outage. */
export const FORGOTTEN_MS = 2 * 3_600_000
const MOST = 1_024

export function createOutages(clock: { monotonic(): number }): Outages {
  /** Oldest attempt first. */
  const outages = new Map<string, { readonly since: number; readonly last: number }>()
  return {
    isLong(uid) {
      const now = clock.monotonic()
      const known = outages.get(uid)
      const since = known === undefined || now - known.last > FORGOTTEN_MS ? now : known.since
      outages.delete(uid)
      const [oldest] = outages.keys()
      if (oldest !== undefined && outages.size >= MOST) outages.delete(oldest)
      outages.set(uid, { since, last: now })
      return now - since >= LONG_MS
    },
    over: (uid) => void outages.delete(uid),
    get size() {
      return outages.size
    },
  }
}
