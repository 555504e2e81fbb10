/** A launch as a story: who spoke to whom, what was decided, how long it took; one line each, as it happens. */

export interface Moment {
  readonly from: string
  readonly to?: string
  readonly what: string
  readonly outcome?: string
  /** How long the exchange took. */
  readonly ms?: number
}

export interface Timeline {
  tell(moment: Moment): void
  /** A heading, at the left margin. */
  chapter(title: string): void
  /** Nothing more is told. */
  close(): void
  readonly moments: readonly (Moment & { readonly monotonic: number })[]
}

export interface TimelineOptions {
  readonly write: (line: string) => void
  readonly now: () => number
  readonly colour: boolean
}

const WHO_WIDTH = 34
const WHAT_WIDTH = 53

export function createTimeline({ write, now, colour }: TimelineOptions): Timeline {
  const moments: (Moment & { monotonic: number })[] = []
  let start = now()
  let closed = false
  const dim = (text: string) => (colour ? `\u001B[2m${text}\u001B[0m` : text)
  const bold = (text: string) => (colour ? `\u001B[1m${text}\u001B[0m` : text)
  return {
    moments,
    close: () => void (closed = true),
    chapter(title) {
      start = now()
      if (closed) return
      write('')
      write(bold(title))
    },
    tell(moment) {
      const monotonic = now()
      const at = monotonic - start
      moments.push({ ...moment, monotonic })
      if (closed) return
      const { from, to, what, outcome = '', ms } = moment
      const who = to === undefined ? from : `${from} → ${to}`
      const took = ms === undefined ? '' : `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`
      const clock = dim(`${(at / 1_000).toFixed(3).padStart(7)} s`)
      write(`${clock}  ${who.padEnd(WHO_WIDTH)} ${what.padEnd(WHAT_WIDTH)} ${outcome.padEnd(10)} ${dim(took)}`.trimEnd())
    },
  }
}
