/**
 * When credentials are renewed: spread over the fleet, soon enough to survive an outage of half a life.
 *
 * The first renewal falls uniformly between 25 and 75 % of life, so that what was issued together is not renewed
 * together; later ones between 40 and 60 %, which keeps the fleet apart. An upper bound below that moves both: later
 * ones fall into its last fifth, the first anywhere from a tenth of it on. Drawn once per serial: asking again never
 * moves it.
 */

/** Epoch milliseconds. */
export interface Lifetime {
  readonly notBefore: number
  readonly notAfter: number
}

/** Remembered with the credentials. `serial` names the certificate it was drawn for, `at` is epoch milliseconds. */
export interface RenewalState {
  readonly serial: string
  readonly at: number
}

export interface Issue {
  /** Whether this is the pod's first certificate. */
  readonly first: boolean
  /** Renew at the latest so long after `since`; unset: half of life rules alone. */
  readonly maxIntervalMs?: number
  /** When it was issued, epoch milliseconds; by default `notBefore`, which an issuer may have set back by an hour. */
  readonly since?: number
}

interface Window {
  readonly from: number
  readonly to: number
}

const FIRST: Window = { from: 0.25, to: 0.75 }
const LATER: Window = { from: 0.4, to: 0.6 }
/** An upper bound that cuts the window off still leaves this share of itself to spread over. */
const SPREAD_BELOW_BOUND = 0.2

/** `random` is uniform in [0, 1). */
export function renewAt({ notBefore, notAfter }: Lifetime, issue: Issue, random: number): number {
  const { first, maxIntervalMs = Infinity, since = notBefore } = issue
  const age = Math.max(0, since - notBefore)
  const allowed = { lifeMs: notAfter - notBefore, age, latest: age + maxIntervalMs }
  const { from, to } = first ? firstWindow(allowed) : laterWindow(allowed)
  return notBefore + Math.round(from + (to - from) * random)
}

interface Allowed {
  readonly lifeMs: number
  /** At the issue; this and the windows are counted from the beginning of life. */
  readonly age: number
  readonly latest: number
}

function laterWindow({ lifeMs, age, latest }: Allowed): Window {
  const to = Math.min(LATER.to * lifeMs, latest)
  return { from: Math.min(LATER.from * lifeMs, to - SPREAD_BELOW_BOUND * Math.max(0, to - age)), to }
}

/** As wide as later renewals lie apart: a fleet that fills the time between two of them keeps it filled. */
function firstWindow(allowed: Allowed): Window {
  const { lifeMs, age, latest } = allowed
  const later = laterWindow(allowed)
  const apart = Math.max(0, (later.from + later.to) / 2 - age)
  const to = Math.min(FIRST.to * lifeMs, latest)
  return { from: Math.min(FIRST.from * lifeMs, to - apart), to }
}

/** The life of a set is that of its member which ends first. Throws `TypeError` for an empty set. */
export function lifetimeOf(members: readonly Lifetime[]): Lifetime {
  if (members.length === 0) throw new TypeError('a set without members has no life')
  return members.reduce((soonest, member) => (member.notAfter < soonest.notAfter ? member : soonest))
}

/** What was drawn for this serial, or a new draw when it was for another. */
export function renewalFor(
  known: RenewalState | undefined,
  { serial, life, issue, random }: { serial: string; life: Lifetime; issue: Issue; random: () => number },
): RenewalState {
  return known?.serial === serial ? known : { serial, at: renewAt(life, issue, random()) }
}

/**
 * `now` is the wall clock; `waitedMs` is how long, by a clock that never jumps, this process has been waiting already.
 */
export interface Waiting {
  readonly now: number
  readonly waitedMs: number
}

/** No sleep is longer, so that a wall clock that jumps, or a machine that was suspended, is noticed. */
const MAX_NAP_MS = 60_000

/**
 * How long to sleep before looking again, in milliseconds; 0 means renew now, as does anything that has expired.
 * A wall clock that went back cannot put a renewal off: the wait is never longer than it was on issue.
 */
export function napBefore({ at }: RenewalState, life: Lifetime, { now, waitedMs }: Waiting): number {
  if (now >= life.notAfter) return 0
  const left = Math.min(at - now, at - life.notBefore - waitedMs)
  return Math.max(0, Math.min(left, MAX_NAP_MS))
}
