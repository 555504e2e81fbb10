/** For ever: replaces a thing before it grows old, and keeps the old one for as long as a new one cannot be had. */
import { type Clock, retry } from '@pallas/host'
import { patience } from './patience.ts'
import { type Lifetime, napBefore, type RenewalState } from './renewal.ts'

/** After a success that is due again at once (an issuer with odd times): a quarter of what is left of life, within these. */
const REST_MS = { least: 1_000, most: 60_000 }
const FIRST_RETRY_MS = 2_000
/** While something still serves: an eighth of what is left, so that a short life has its tries and a long outage few. */
const SLOWEST_RETRY_MS = { least: 15_000, most: 60 * 60_000 }
/** While nothing does. */
const SLOWEST_WITHOUT_MS = 60_000

/** When a thing is to be replaced, and how long it could serve. */
export interface Due extends RenewalState {
  readonly life: Lifetime
}

/** There is nothing yet. */
export const DUE_NOW: Due = { serial: '', at: 0, life: { notBefore: 0, notAfter: 0 } }

export interface Renewable {
  /** What it is for, where a program has several. */
  readonly name?: string
  /** Judged by what is there, at start. */
  due(): Promise<Due>
  /** Puts a new one in the old one's place. */
  renew(signal: AbortSignal): Promise<Due>
  /** The life of what serves now, where that is more than the last success: part of a new set, say. */
  serving?(): Lifetime | undefined
  /** Asked about every minute: true replaces at once, whatever the time. */
  outdated?(): Promise<boolean>
}

export interface KeepFreshDeps {
  readonly clock: Clock
  readonly onFailure: (error: unknown, delayMs: number) => void
}

/** Ends only by rejecting: with the reason of `signal` when that aborts. */
export async function keepFresh(thing: Renewable, deps: KeepFreshDeps, signal: AbortSignal): Promise<never> {
  const { clock, onFailure } = deps
  const pace = { clock, initialMs: FIRST_RETRY_MS, deadlineMs: Infinity, onWait: onFailure }
  const again = (error: unknown) => !signal.aborted && patience(error)
  for (let due = await thing.due(); ; ) {
    await untilDue(due, thing, clock, signal)
    const { life } = due
    const maxMs = () => slowestRetry(thing.serving?.() ?? life, clock)
    due = await retry(() => thing.renew(signal), { ...pace, maxMs, again }, signal)
    await clock.sleep(restAfter(due, clock), signal)
  }
}

function slowestRetry({ notAfter }: Lifetime, clock: Clock): number {
  const left = notAfter - clock.now()
  return left <= 0 ? SLOWEST_WITHOUT_MS : clamp(left / 8, SLOWEST_RETRY_MS)
}

const clamp = (value: number, { least, most }: typeof REST_MS): number => Math.min(Math.max(value, least), most)

const restAfter = ({ at, life }: Due, clock: Clock): number =>
  at > clock.now() ? REST_MS.least : clamp((life.notAfter - clock.now()) / 4, REST_MS)

async function untilDue(due: Due, thing: Renewable, clock: Clock, signal: AbortSignal): Promise<void> {
  const since = clock.monotonic()
  for (;;) {
    const napMs = napBefore(due, due.life, { now: clock.now(), waitedMs: clock.monotonic() - since })
    if (napMs === 0) return
    await clock.sleep(Math.ceil(napMs), signal)
    if ((await thing.outdated?.()) === true) return
  }
}
