import type { Clock } from '@pallas/host'
import { runUntilDisposed } from './run-until-disposed.ts'

export interface AgainAndAgainOptions {
  readonly clock: Pick<Clock, 'sleep'>
  /** How long to pause now. */
  readonly pauseMs: () => number
  /** Rejects only when it is asked to end. */
  readonly work: (signal: AbortSignal) => Promise<void>
  readonly begin: 'working' | 'pausing'
}

/** Works and pauses in turn until it is disposed, which ends the pause or the work and waits for it. */
export function againAndAgain({ clock, pauseMs, work, begin }: AgainAndAgainOptions): AsyncDisposable {
  return runUntilDisposed(async (signal) => {
    if (begin === 'pausing') await clock.sleep(pauseMs(), signal)
    while (!signal.aborted) {
      await work(signal)
      await clock.sleep(pauseMs(), signal)
    }
  })
}
