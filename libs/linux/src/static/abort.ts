/** `AbortController` and `AbortSignal`, as much of them as `libs/host/globals.d.ts` promises. */

type Listener = () => void

export class StaticAbortSignal {
  readonly #listeners = new Map<Listener, boolean>()
  readonly #sources: readonly StaticAbortSignal[]
  readonly #onSource = (): void => this.abortWith(this.#reasonOfSources().reason)
  #end: { readonly reason: unknown } | undefined

  constructor(sources: readonly StaticAbortSignal[] = []) {
    this.#sources = sources
  }

  /** Aborts when one of them does. Holds on to nothing in them while nobody listens, so that a short-lived one may be forgotten. */
  static any(signals: readonly StaticAbortSignal[]): StaticAbortSignal {
    return new StaticAbortSignal(signals)
  }

  get aborted(): boolean {
    if (this.#end === undefined && this.#sources.some(({ aborted }) => aborted)) this.#end = this.#reasonOfSources()
    return this.#end !== undefined
  }

  get reason(): unknown {
    return this.aborted ? this.#end?.reason : undefined
  }

  throwIfAborted(): void {
    if (this.aborted) throw this.reason
  }

  addEventListener(_type: 'abort', listener: Listener, { once = false }: { readonly once?: boolean } = {}): void {
    if (this.#listeners.has(listener)) return
    if (this.#listeners.size === 0) for (const source of this.#sources) source.addEventListener('abort', this.#onSource)
    this.#listeners.set(listener, once)
  }

  removeEventListener(_type: 'abort', listener: Listener): void {
    if (!this.#listeners.delete(listener) || this.#listeners.size > 0) return
    for (const source of this.#sources) source.removeEventListener('abort', this.#onSource)
  }

  /** For its controller, and for a source of it. */
  abortWith(reason: unknown): void {
    // What a source tells comes when `aborted` may already have been asked for: its listeners are told all the same.
    if (this.#sources.length === 0 && this.#end !== undefined) return
    this.#end ??= { reason }
    const listeners = [...this.#listeners.keys()]
    for (const listener of listeners) {
      this.removeEventListener('abort', listener)
      // One that throws keeps no other from being told; its error is that of nobody, and ends the program.
      void new Promise<void>((resolve) => {
        listener()
        resolve()
      })
    }
  }

  #reasonOfSources(): { readonly reason: unknown } {
    return { reason: this.#sources.find(({ aborted }) => aborted)?.reason }
  }
}

export class StaticAbortController {
  readonly signal = new StaticAbortSignal()

  abort(reason: unknown = abortError()): void {
    this.signal.abortWith(reason)
  }
}

function abortError(): Error {
  const error = new Error('This operation was aborted')
  error.name = 'AbortError'
  return error
}
