/** What a failure means for whoever would try again: at once denied is not the same as not now. */
import { HostError } from '@pallas/host'
import { IdentityError } from '@pallas/identity'

/** A refusal may end with its cause, but not within seconds. */
const AFTER_DENIAL_MS = 60_000

/** For ever: everything is tried again, a refusal slowly. */
export function patience(error: unknown): true | { readonly afterMs: number } {
  if (!(error instanceof IdentityError)) return true
  if (error.retryAfterMs !== undefined) return { afterMs: error.retryAfterMs }
  return error.kind === 'denied' ? { afterMs: AFTER_DENIAL_MS } : true
}

/** Of several failures the one to act on: a refusal is final, whatever else may pass. Undefined when there is none. */
export const worstOf = (errors: readonly unknown[]): unknown =>
  errors.find((error) => error instanceof IdentityError && error.kind === 'denied') ?? errors[0]

/** Before a deadline: only what may get better by itself is tried again. */
export function patienceOnce(error: unknown): boolean | { readonly afterMs: number } {
  if (error instanceof HostError) return true
  if (!(error instanceof IdentityError)) return false
  return error.kind === 'unavailable' || error.kind === 'conflict' ? patience(error) : false
}
