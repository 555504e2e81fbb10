/** What writer and readers of the torn-read bench agree on. */
export interface ReaderJob {
  readonly root: string
  readonly reads: number
}

export interface ReaderCount {
  reads: number
  torn: number
  /** Begun anew, because two rotations went by. */
  overtaken: number
}

const LENGTH = 4_000

/** A file that says in every place to which set it belongs. */
export function fileOf(serial: number): string {
  const line = `${serial}\n`
  return line.repeat(Math.ceil(LENGTH / line.length))
}

/** Undefined for half a file, or one of two sets. */
export function serialIn(text: string): number | undefined {
  const serial = Number.parseInt(text, 10)
  return text === fileOf(serial) ? serial : undefined
}
