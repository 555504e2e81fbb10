/** Being asked to stop: by a signal, by a terminal that went away, by a reader of our words that did, or by our parent's end. */
import { whenOrphaned } from './namespace.ts'

/**
 * Aborts at the first ask. Later ones change nothing: one Ctrl-C may come more than once, from the terminal and from every
 * parent that passes it on, and all that is waited for from here on has a deadline.
 */
export function stopSignal(): AbortSignal {
  const stop = new AbortController()
  const ask = () => stop.abort(new Error('asked to stop'))
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, ask)
  process.stdout.on('error', ask)
  whenOrphaned(process.env, ask)
  return stop.signal
}

export const aborted = (signal: AbortSignal): Promise<void> =>
  signal.aborted ? Promise.resolve() : new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))

/** Rejects with the signal's reason as soon as it aborts; how the work ends then is nobody's business any more. */
export async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const givenUp = aborted(signal).then(() => Promise.reject(signal.reason as Error))
  return Promise.race([work, givenUp])
}
