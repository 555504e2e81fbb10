/**
 * Begins work that goes on beside, until it is disposed: that aborts its signal and waits for it. How the work ends once it
 * is asked to is nobody's business; what it throws before that is not swallowed.
 */
export function runUntilDisposed(work: (signal: AbortSignal) => Promise<unknown>): AsyncDisposable {
  const stop = new AbortController()
  const running = work(stop.signal).catch((error: unknown) => {
    if (!stop.signal.aborted) throw error
  })
  return {
    async [Symbol.asyncDispose]() {
      stop.abort()
      await running
    },
  }
}
