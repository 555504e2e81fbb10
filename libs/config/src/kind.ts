/** How a setting's text becomes a value. `parse` throws an error with a plain sentence when it cannot. */
export interface Kind<T> {
  /** What `--help` and the documentation call it. */
  readonly label: string
  parse(text: string): T
  /** The text that the flag alone stands for; kinds without it always take a value. */
  readonly bare?: string
}

/** Ends a `parse`: the sentence continues `--flag …`. */
export function fail(message: string): never {
  throw new TypeError(message)
}
