/** Outages of an issuer, by chance or by plan. */
import type { IssuerState } from './fleet.ts'
import type { VirtualClock } from './virtual-clock.ts'

/** Milliseconds since the beginning. */
export interface Outage {
  readonly from: number
  readonly to: number
}

export const duringOutages =
  (outages: readonly Outage[]) =>
  (clock: VirtualClock): IssuerState =>
    outages.some(({ from, to }) => clock.monotonic() >= from && clock.monotonic() < to) ? 'away' : 'up'

export interface Weather {
  readonly untilMs: number
  /** Outages last up to this, with up to `calmMs` between them. */
  readonly longestMs: number
  readonly calmMs: number
  readonly random: () => number
}

export function outagesOf({ untilMs, longestMs, calmMs, random }: Weather): Outage[] {
  const outages: Outage[] = []
  for (let at = calmMs * random(); at < untilMs; at += calmMs * random()) {
    const to = at + longestMs * random()
    outages.push({ from: at, to })
    at = to
  }
  return outages
}
