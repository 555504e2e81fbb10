/** For ever: replaces a thing before it grows old, and keeps the old one for as long as a new one cannot be had. */
import { type Lifetime, napBefore, type RenewalState } from '@pallas/credentials'
import { type Clock, retry } from '@pallas/host'
import { patience } from './patience.ts'

/** After a success that is due again at once (an issuer with odd times): a quarter of what is left of life, within these. */
const REST_MS = { least: 1_000, most: 60_000 }
const FIRST_RETRY_MS = 2_000
const SLOWEST_RETRY_MS = 5 * 60_000

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
  const pace = { clock, initialMs: FIRST_RETRY_MS, maxMs: SLOWEST_RETRY_MS, deadlineMs: Infinity, onWait: onFailure }
  const again = (error: unknown) => !signal.aborted && patience(error)
  for (let due = await thing.due(); ; ) {
    await untilDue(due, thing, clock, signal)
    due = await retry(() => thing.renew(signal), { ...pace, again }, signal)
    await clock.sleep(restAfter(due, clock), signal)
  }
}

const restAfter = ({ at, life }: Due, clock: Clock): number =>
  at > clock.now() ? REST_MS.least : Math.min(Math.max((life.notAfter - clock.now()) / 4, REST_MS.least), REST_MS.most)

async function untilDue(due: Due, thing: Renewable, clock: Clock, signal: AbortSignal): Promise<void> {
  const since = clock.monotonic()
  for (;;) {
    const napMs = napBefore(due, due.life, { now: clock.now(), waitedMs: clock.monotonic() - since })
    if (napMs === 0) return
    await clock.sleep(Math.ceil(napMs), signal)
    if ((await thing.outdated?.()) === true) return
  }
}
