/**
 * Many pods that renew by the product's own rules (the loop of the SIA, the draw of its moments, the waits of its retries)
 * against an issuer in memory. Pure: no process, no file, no key.
 */
import { keepFresh, type Lifetime, type Renewable, renewAt } from '@pallas/credentials'
import { IdentityError } from '@pallas/identity'
import { createVirtualClock, type VirtualClock } from './virtual-clock.ts'

export interface FleetOptions {
  readonly seed: number
  readonly lifeMs: number
  /** What stands in the way of a call now, and how long it takes to say so. */
  readonly issuer?: (clock: VirtualClock) => IssuerState
}

export type IssuerState = 'up' | 'away' | { readonly busyMs: number }

export interface Call {
  readonly at: number
  readonly pod: number
  readonly issued: boolean
}

/** A certificate ended before the next one came. */
export interface Lapse {
  readonly pod: number
  readonly from: number
  readonly to: number
}

/** All times are milliseconds since the beginning. */
export interface Fleet {
  readonly clock: VirtualClock
  /** A new pod; with an age, it has a certificate that is so old, and has been renewed before. */
  start(ageMs?: number): number
  end(pod: number): void
  readonly calls: readonly Call[]
  readonly lapses: readonly Lapse[]
  /** Of pods that live: what they hold, and when they mean to renew it. */
  held(): readonly Held[]
  /** Ends everybody; lapses that last until then are told too. */
  close(): Promise<void>
}

export interface Held {
  readonly pod: number
  readonly life: Lifetime
  readonly renewAt: number
}

/** As the agent says when ZTS is away. */
const COME_BACK_MS = 5_000

interface Pod {
  held: Held | undefined
  readonly end: AbortController
  readonly running: Promise<void>
}

export function createFleet({ seed, lifeMs, issuer = () => 'up' }: FleetOptions): Fleet {
  const clock = createVirtualClock(seed)
  const began = clock.now()
  const lapses: Lapse[] = []
  const pods = new Map<number, Pod>()
  const { calls, issue } = createIssuer({ clock, lifeMs, issuer })
  let count = 0

  const note = (pod: number): void => {
    const notAfter = pods.get(pod)?.held?.life.notAfter ?? Infinity
    if (clock.now() > notAfter) lapses.push({ pod, from: notAfter - began, to: clock.now() - began })
  }
  const end = (pod: number): void => {
    note(pod)
    pods.get(pod)?.end.abort()
    pods.delete(pod)
  }

  /** As the SIA's own, without files. */
  function renewable(pod: number, ageMs: number | undefined): Renewable {
    let isFirst = ageMs === undefined
    const take = (life: Lifetime) => {
      note(pod)
      const at = renewAt(life, { first: isFirst }, clock.random())
      isFirst = false
      const entry = pods.get(pod)
      if (entry !== undefined) entry.held = { pod, life, renewAt: at - began }
      return { serial: '', life, at }
    }
    const held = ageMs === undefined ? undefined : { notBefore: clock.now() - ageMs, notAfter: clock.now() - ageMs + lifeMs }
    return { due: async () => take(held ?? issue(pod)), renew: async () => take(issue(pod)) }
  }

  return {
    clock,
    calls,
    lapses,
    end,
    start(ageMs) {
      const pod = count++
      const stop = new AbortController()
      const loop = Promise.resolve().then(() => keepFresh(renewable(pod, ageMs), { clock, onFailure: () => undefined }, stop.signal))
      const running = loop.catch((error: unknown) => {
        if (!stop.signal.aborted) throw error
      })
      pods.set(pod, { held: undefined, end: stop, running })
      return pod
    },
    held: () => [...pods.values()].flatMap(({ held }) => held ?? []),
    async close() {
      const all = [...pods.values()].map(({ running }) => running)
      for (const pod of pods.keys()) end(pod)
      await Promise.all(all)
    },
  }
}

interface IssuerDeps extends Required<Pick<FleetOptions, 'lifeMs' | 'issuer'>> {
  readonly clock: VirtualClock
}

function createIssuer({ clock, lifeMs, issuer }: IssuerDeps) {
  const calls: Call[] = []
  const issue = (pod: number): Lifetime => {
    const state = issuer(clock)
    calls.push({ at: clock.monotonic(), pod, issued: state === 'up' })
    if (state === 'up') return { notBefore: clock.now(), notAfter: clock.now() + lifeMs }
    const retryAfterMs = state === 'away' ? COME_BACK_MS : state.busyMs
    throw new IdentityError('ISSUER_UNAVAILABLE', 'zts issues nothing now', {}, { retryAfterMs })
  }
  return { calls, issue }
}
