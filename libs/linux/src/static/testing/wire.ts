/** Values of the door on their way through a pipe, as JSON: bytes, what is undefined, and marks for whatever stays on its side. */
export type Mark = { readonly $: 'lock' | 'key' | 'signal'; readonly number: number } & Readonly<Record<string, unknown>>

export function toWire(value: unknown): unknown {
  if (value === undefined) return { $: 'undefined' }
  if (value instanceof Uint8Array) return { $: 'bytes', base64: new Uint8Array(value).toBase64() }
  if (Array.isArray(value)) return value.map(toWire)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, toWire(each)]))
}

export function fromWire(value: unknown, marked: (mark: Mark) => unknown): unknown {
  if (Array.isArray(value)) return value.map((each) => fromWire(each, marked))
  if (typeof value !== 'object' || value === null) return value
  const fields = value as Readonly<Record<string, unknown>>
  const whole = () => Object.fromEntries(Object.entries(fields).map(([name, each]) => [name, fromWire(each, marked)]))
  switch (fields['$']) {
    case undefined:
      return whole()
    case 'undefined':
      return undefined
    case 'bytes':
      return Uint8Array.fromBase64(String(fields['base64']))
    default:
      return marked(whole() as Mark)
  }
}

/** One line to the door. */
export type Asked =
  | { readonly id: number; readonly call: string; readonly args: readonly unknown[] }
  | { readonly abort: number; readonly reason: string }
  | { readonly dispose: number }
  | { readonly id: number; readonly key: number; readonly data: unknown }
  | { readonly umask: number }

/** One line from it. */
export interface Answered {
  readonly id: number
  readonly value?: unknown
  readonly error?: ThrownError
}

export interface ThrownError {
  /** `HostError`, or that of whatever else was thrown. */
  readonly name: string
  readonly message: string
  readonly code?: string
  readonly fields?: Readonly<Record<string, unknown>>
}
