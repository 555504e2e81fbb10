/** What is told once, then at most once in a while with how often it happened: a pod that is refused in a loop fills no log. */
export interface Repeats {
  /** How many occurrences a line stands for that is written now, this one and those left out before it; 0: leave it out. */
  tell(what: string): number
  /** Gives what was left out so far to `onLeftOut`; for its things the while begins anew. */
  flush(): void
  /** Things that are remembered. */
  readonly size: number
}

export interface RepeatsOptions {
  readonly clock: { monotonic(): number }
  readonly intervalMs: number
  /** More things than this are not remembered: the one told longest ago is told anew instead. */
  readonly most: number
  /** How often something was left out that is flushed or forgotten: no later line will stand for it. */
  readonly onLeftOut?: (what: string, count: number) => void
}

interface Told {
  readonly at: number
  leftOut: number
}

export function createRepeats({ clock, intervalMs, most, onLeftOut }: RepeatsOptions): Repeats {
  /** Oldest first. */
  const told = new Map<string, Told>()
  const forget = (what: string): void => {
    const leftOut = told.get(what)?.leftOut ?? 0
    told.delete(what)
    if (leftOut > 0) onLeftOut?.(what, leftOut)
  }
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
      if (oldest !== undefined && told.size >= most) forget(oldest)
      told.set(what, { at: now, leftOut: 0 })
      return 1 + (before?.leftOut ?? 0)
    },
    flush() {
      const at = clock.monotonic()
      for (const [what] of [...told].filter(([, { leftOut }]) => leftOut > 0)) {
        forget(what)
        told.set(what, { at, leftOut: 0 })
      }
    },
  }
}
