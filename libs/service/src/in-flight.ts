import { IdentityError } from '@pallas/identity'

/** Runs work, at most so many at a time; one more is told to come back (`BUSY`) rather than to wait in line. */
export type InFlight = <T>(work: () => Promise<T>) => Promise<T>

export function boundInFlight(most: number): InFlight {
  let running = 0
  return async (work) => {
    if (running >= most) throw new IdentityError('BUSY', 'too many requests at a time', {}, { retryAfterMs: 1_000 })
    running++
    try {
      return await work()
    } finally {
      running--
    }
  }
}
