import type { Clock } from '../clock.ts'

interface Sleeper {
  readonly until: number
  readonly wake: () => void
}

/** A clock that moves only when a test moves it. `random` gives what the test put in, 0.5 by default. */
export class FakeClock implements Clock {
  #now: number
  #elapsed = 0
  #sleepers: Sleeper[] = []
  readonly #randoms: number[] = []

  constructor(start = '2030-01-01T00:00:00Z') {
    this.#now = Date.parse(start)
  }

  now = (): number => this.#now
  monotonic = (): number => this.#elapsed
  random = (): number => this.#randoms.shift() ?? 0.5

  willDraw(...values: number[]): void {
    this.#randoms.push(...values)
  }

  /** The wall clock alone jumps, as after a correction; nobody wakes. */
  jump(ms: number): void {
    this.#now += ms
  }

  /** How many are asleep: a test waits for the code to settle with this. */
  get sleeping(): number {
    return this.#sleepers.length
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.reject(signal.reason)
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const sleeper = { until: this.#elapsed + ms, wake: resolve }
    this.#sleepers.push(sleeper)
    signal?.addEventListener(
      'abort',
      () => {
        this.#sleepers = this.#sleepers.filter((other) => other !== sleeper)
        reject(signal.reason)
      },
      { once: true },
    )
    return promise
  }

  /** Moves time in the order in which sleepers wake, letting each run before the next. */
  async advance(ms: number): Promise<void> {
    const end = this.#elapsed + ms
    await settle()
    for (;;) {
      const next = this.#sleepers.filter((s) => s.until <= end).sort((a, b) => a.until - b.until)[0]
      if (next === undefined) break
      this.#moveTo(next.until)
      this.#sleepers = this.#sleepers.filter((other) => other !== next)
      next.wake()
      await settle()
    }
    this.#moveTo(end)
    await settle()
  }

  #moveTo(elapsed: number): void {
    this.#now += elapsed - this.#elapsed
    this.#elapsed = elapsed
  }
}

const settle = () => new Promise((resolve) => setImmediate(resolve))
