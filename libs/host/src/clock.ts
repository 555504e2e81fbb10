/** The only source of time and chance in the suite. */
export interface Clock {
  /** Wall clock, epoch milliseconds. May jump: use it for what is written down or signed. */
  now(): number
  /** Milliseconds that never go back: use it for durations and deadlines. */
  monotonic(): number
  /** Resolves after `ms`; rejects with the signal's reason as soon as it aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
  /** Uniform in [0, 1). For spreading load, never for secrets. */
  random(): number
}
