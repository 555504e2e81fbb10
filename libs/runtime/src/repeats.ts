/** What is told once, then at most once in a while with how often it happened: a pod that is refused in a loop fills no log. */
export interface Repeats {
  /** How many occurrences a line stands for that is written now, this one and those left out before it; 0: leave it out. */
  tell(what: string): number
  /** Things that are remembered. */
  readonly size: number
}

export interface RepeatsOptions {
  readonly clock: { monotonic(): number }
  readonly intervalMs: number
  /** More things than this are not remembered: the one told longest ago is told anew instead. */
  readonly most: number
}

interface Told {
  readonly at: number
  leftOut: number
}

export function createRepeats({ clock, intervalMs, most }: RepeatsOptions): Repeats {
  /** Oldest first. */
  const told = new Map<string, Told>()
  return {
    get size() {
      return told.size
    },
    tell(what) {
      const now = clock.monotonic()
      const before = told.get(what)
      if (before !== undefined && now - before.at < intervalMs) {
        before.leftOut += 1
        return 0
      }
      told.delete(what)
      const [oldest] = told.keys()
      if (oldest !== undefined && told.size >= most) told.delete(oldest)
      told.set(what, { at: now, leftOut: 0 })
      return 1 + (before?.leftOut ?? 0)
    },
  }
}
