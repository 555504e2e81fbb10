import type { Clock } from '@pallas/host'

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
  const stop = new AbortController()
  const run = async (): Promise<void> => {
    if (begin === 'pausing') await clock.sleep(pauseMs(), stop.signal)
    while (!stop.signal.aborted) {
      await work(stop.signal)
      await clock.sleep(pauseMs(), stop.signal)
    }
  }
  const running = run().catch((error: unknown) => {
    if (!stop.signal.aborted) throw error
  })
  return {
    async [Symbol.asyncDispose]() {
      stop.abort()
      await running
    },
  }
}
