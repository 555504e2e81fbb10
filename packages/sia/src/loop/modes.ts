/** The two ways to run, the same for both programs. */
import { keepFresh, patienceOnce, type Renewable } from '@pallas/credentials'
import { type Clock, retry } from '@pallas/host'
import { IdentityError } from '@pallas/identity'
import type { Log } from '../log.ts'
import { watchClock } from './watch-clock.ts'

const FIRST_RETRY_MS = 500
const SLOWEST_RETRY_MS = 8_000

export interface ModeDeps {
  readonly clock: Clock
  readonly log: Log
}

export interface InitOptions extends ModeDeps {
  readonly timeoutMs: number
  /** Further failures that may pass. */
  readonly mayPass?: (error: unknown) => boolean
}

/** Once: resolves when it is done, throws what stood in the way when the time is over or it would not help to wait. */
export async function runInit(
  thing: { renew(signal: AbortSignal): Promise<unknown> },
  options: InitOptions,
  signal: AbortSignal,
): Promise<void> {
  const { clock, log, timeoutMs, mayPass = () => false } = options
  await retry(
    () => thing.renew(signal),
    {
      clock,
      initialMs: FIRST_RETRY_MS,
      maxMs: SLOWEST_RETRY_MS,
      deadlineMs: timeoutMs,
      again: (error) => !signal.aborted && (mayPass(error) || patienceOnce(error)),
      onWait: (err, delayMs) => log.warn({ err, delayMs }, 'no credentials yet, trying again'),
    },
    signal,
  )
}

export interface RefreshDeps extends ModeDeps {
  /** What goes on meanwhile; none of it ends by itself. */
  readonly beside?: readonly ((signal: AbortSignal) => Promise<unknown>)[]
}

/** For ever: resolves when asked to stop, and rejects only when a part of this program is broken. */
export async function runRefresh(things: readonly Renewable[], deps: RefreshDeps, signal: AbortSignal): Promise<void> {
  const { clock, log, beside = [] } = deps
  const end = new AbortController()
  const either = AbortSignal.any([signal, end.signal])
  const tell = (name: string | undefined) => (err: unknown, delayMs: number) => {
    // A denial ends only when somebody acts; everything else may pass.
    const level = err instanceof IdentityError && err.kind === 'denied' ? 'error' : 'warn'
    log[level]({ err, delayMs, name }, 'renewal failed, the old credentials stay')
  }
  const onJump = (jumpedMs: number) => log.warn({ jumpedMs }, 'the clock jumped')
  try {
    const renewals = things.map((thing) => keepFresh(thing, { clock, onFailure: tell(thing.name) }, either))
    await Promise.all([...renewals, ...beside.map((go) => go(either)), watchClock({ clock, onJump }, either)])
  } catch (error) {
    if (!signal.aborted) throw error
    log.info({}, 'stopped')
  } finally {
    end.abort()
  }
}
