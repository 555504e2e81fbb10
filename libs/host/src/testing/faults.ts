/** What goes wrong on purpose: each call through a door is a numbered step, and any step may fail or be the last. */
import { HostError } from '../error.ts'

export interface Step {
  /** From 1, counted from the last `reset`. */
  readonly number: number
  /** `files.create`, `mounts.bind`, … */
  readonly call: string
  readonly path: string
}

/**
 * The process has ended: thrown by the call it ended at and every one after. No `HostError`, so that nothing handles
 * it.
 */
export class CrashedError extends Error {
  override readonly name = 'CrashedError'
}

export class Faults {
  /** Every call so far. */
  readonly steps: Step[] = []
  #rule: (step: Step) => Error | undefined = () => undefined
  #dead = false
  readonly #onCrash: () => void

  constructor(onCrash: () => void) {
    this.#onCrash = onCrash
  }

  /** The `n`th call fails as if the disk were full; the calls after it work. */
  failAt(n: number, error: Error = new HostError('HOST_IO', 'the file system refused', { errno: 'ENOSPC' })): void {
    this.#rule = (step) => (step.number === n ? error : undefined)
  }

  /** The process ends just before its `n`th call: locks are released, files and mounts stay as they are. */
  crashAt(n: number): void {
    this.#rule = (step) => (step.number === n ? this.#crash() : undefined)
  }

  /** Any call for which `rule` gives an error throws that. */
  failWhen(rule: (step: Step) => Error | undefined): void {
    this.#rule = rule
  }

  /** No more faults; counts from 1 again. */
  reset(): void {
    this.#rule = () => undefined
    this.#dead = false
    this.steps.length = 0
  }

  /** Called before each call through the door. */
  step(call: string, path: string): void {
    if (this.#dead) throw new CrashedError('the process has ended')
    const step = { number: this.steps.length + 1, call, path }
    this.steps.push(step)
    const error = this.#rule(step)
    if (error !== undefined) throw error
  }

  #crash(): CrashedError {
    this.#dead = true
    this.#onCrash()
    return new CrashedError('the process has ended')
  }
}
