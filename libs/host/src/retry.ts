/** Trying again: full jitter between zero and a delay that doubles, until a deadline, a refusal or an abort. */
import type { Clock } from './clock.ts'

export interface RetryOptions {
  readonly clock: Clock
  /** First ceiling of the random delay. */
  readonly initialMs: number
  /** Ceiling that the delay grows to; asked for at each wait where it depends on the time. */
  readonly maxMs: number | (() => number)
  /** From the first attempt; when it has passed the last error is thrown. Infinity: for ever. */
  readonly deadlineMs: number
  /** False: give up at once and throw. May name the least wait that the peer asked for (Retry-After). */
  readonly again: (error: unknown) => boolean | { readonly afterMs: number }
  readonly onWait?: (error: unknown, delayMs: number, attempt: number) => void
}

export interface Wait {
  /** What the peer asked for at least (Retry-After), or 0. */
  readonly askedMs: number
  readonly ceilingMs: number
  /** From 0 to 1. */
  readonly random: number
}

/**
 * Full jitter on top of what was asked for: a peer tells everyone the same time, and they must not all come back at it.
 * The longer the wait, the wider they spread.
 */
export const waitMs = ({ askedMs, ceilingMs, random }: Wait): number =>
  askedMs + Math.round(random * Math.max(ceilingMs, askedMs / 2))

export async function retry<T>(
  attempt: (signal: AbortSignal | undefined) => Promise<T>,
  options: RetryOptions,
  signal?: AbortSignal,
): Promise<T> {
  const { clock, initialMs, maxMs, deadlineMs, again, onWait } = options
  const giveUpAt = clock.monotonic() + deadlineMs
  for (let tries = 1; ; tries++) {
    signal?.throwIfAborted()
    try {
      return await attempt(signal)
    } catch (error) {
      const verdict = again(error)
      if (verdict === false) throw error
      const asked = verdict === true ? 0 : verdict.afterMs
      const ceiling = Math.min(initialMs * 2 ** (tries - 1), typeof maxMs === 'number' ? maxMs : maxMs())
      const delayMs = waitMs({ askedMs: asked, ceilingMs: ceiling, random: clock.random() })
      if (clock.monotonic() + delayMs >= giveUpAt) throw error
      onWait?.(error, delayMs, tries)
      await clock.sleep(delayMs, signal)
    }
  }
}
