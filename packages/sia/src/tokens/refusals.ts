/**
 * What was refused a moment ago is refused again without asking: a denial for a short time, an outage for as long as it
 * said. Whoever asks in a loop for what it may not have does not reach ZTS each time.
 */
import type { Clock } from '@pallas/host'
import { IdentityError } from '@pallas/identity'

/** Whoever is given a role need not wait longer for it. */
const DENIED_MS = 15_000
const MOST = 200

export interface Refusals {
  /** Throws what stands in the way of this wish still, with the time that is left of it. */
  heed(wish: string): void
  note(wish: string, error: unknown): void
  forget(wish: string): void
}

interface Refusal {
  readonly error: IdentityError
  /** By the clock that never jumps. */
  readonly until: number
}

/** Of more than `most` wishes the one that was refused longest ago is forgotten. */
export function createRefusals(clock: Pick<Clock, 'monotonic'>, most = MOST): Refusals {
  const refusals = new Map<string, Refusal>()
  return {
    heed: (wish) => {
      const { error, until = 0 } = refusals.get(wish) ?? {}
      const leftMs = until - clock.monotonic()
      if (error !== undefined && leftMs > 0) throw withTimeLeft(error, leftMs)
      refusals.delete(wish)
    },
    note: (wish, error) => {
      refusals.delete(wish)
      const forMs = timeOf(error)
      if (!(error instanceof IdentityError) || forMs <= 0) return
      refusals.set(wish, { error, until: clock.monotonic() + forMs })
      const [oldest] = refusals.size > most ? refusals.keys() : []
      if (oldest !== undefined) refusals.delete(oldest)
    },
    forget: (wish) => void refusals.delete(wish),
  }
}

function timeOf(error: unknown): number {
  if (!(error instanceof IdentityError)) return 0
  return error.kind === 'denied' ? DENIED_MS : (error.retryAfterMs ?? 0)
}

function withTimeLeft(error: IdentityError, retryAfterMs: number): IdentityError {
  if (error.retryAfterMs === undefined) return error
  return new IdentityError(error.code, error.message, { ...error.fields }, { cause: error, retryAfterMs })
}
