/**
 * How much of the agent one caller may have, so that a pod gone mad (or bad) hurts itself alone: connections at a time and
 * per second, requests at a time and per second. Who overdoes it is cut off for a while.
 *
 * All of it is decided before a byte of a request is worked on: what is refused costs next to nothing.
 */
import { IdentityError } from '@pallas/identity'
import { createPace, type Rate } from '@pallas/service'

export interface AllowanceLimits {
  readonly connections: number
  /** Of all callers together, on a socket that they share. */
  readonly shared: number
  readonly connecting: Rate
  readonly requests: number
  readonly requesting: Rate
  /** How long who overdid it is kept out. */
  readonly cutOffMs: number
}

/** More than any pod needs: a launch is two requests on two connections, a renewal the same. */
export const ALLOWANCE: AllowanceLimits = {
  connections: 32,
  shared: 2_000,
  connecting: { burst: 100, refillMs: 100 },
  requests: 24,
  requesting: { burst: 60, refillMs: 200 },
  cutOffMs: 5_000,
}

/** Callers are told apart by a key of the agent's own making: the pod UID that the kernel's word gave. */
export interface Allowance {
  /** Counts a connection until `left`; false: it must be closed at once. `most` where fewer are allowed than to others. */
  joined(caller: string, connection: Cuttable, most?: number): boolean
  left(caller: string, connection: Cuttable): void
  /** Counts a request until it has ended. Throws `BUSY`, with the time to come back. */
  enter(caller: string): Visit
  /** Cuts all connections of this caller, and keeps it out for a while. */
  cutOff(caller: string): void
  /** Milliseconds for which the caller is still kept out; 0: it is not. */
  keptOutFor(caller: string): number
  /** Callers that something is held of. */
  readonly size: number
}

export interface Cuttable {
  destroy(): unknown
}

export interface Visit {
  /** The request goes on at least as long as this work, whether or not its caller still waits. */
  during<T>(work: () => Promise<T>): Promise<T>
  /** The caller has its answer, or has gone. */
  end(): void
}

export interface AllowanceOptions {
  readonly clock: { monotonic(): number }
  readonly limits: AllowanceLimits
}

export function createAllowance({ clock, limits }: AllowanceOptions): Allowance {
  const connecting = createPace({ clock, ...limits.connecting })
  const requesting = createPace({ clock, ...limits.requesting })
  const connections = new Map<string, Set<Cuttable>>()
  const requests = new Map<string, number>()
  const keptOut = new Map<string, number>()

  function keptOutFor(caller: string): number {
    const left = (keptOut.get(caller) ?? 0) - clock.monotonic()
    if (left <= 0) keptOut.delete(caller)
    return Math.max(0, left)
  }

  function cutOff(caller: string): void {
    for (const [other, until] of keptOut) if (until <= clock.monotonic()) keptOut.delete(other)
    keptOut.set(caller, clock.monotonic() + limits.cutOffMs)
    for (const connection of connections.get(caller) ?? []) connection.destroy()
  }

  function count(caller: string, change: 1 | -1): void {
    const now = (requests.get(caller) ?? 0) + change
    if (now === 0) requests.delete(caller)
    else requests.set(caller, now)
  }

  return {
    cutOff,
    keptOutFor,
    joined(caller, connection, most = limits.connections) {
      if (keptOutFor(caller) > 0) return false
      if (connecting.tryTake(caller) > 0) {
        cutOff(caller)
        return false
      }
      const held = connections.get(caller) ?? new Set()
      if (held.size >= most) return false
      connections.set(caller, held.add(connection))
      return true
    },
    left(caller, connection) {
      const held = connections.get(caller)
      held?.delete(connection)
      if (held?.size === 0) connections.delete(caller)
    },
    enter(caller) {
      requesting.take(caller)
      if ((requests.get(caller) ?? 0) >= limits.requests) throw tooMany()
      count(caller, 1)
      return createVisit(() => count(caller, -1))
    },
    get size() {
      return new Set([...connections.keys(), ...requests.keys(), ...keptOut.keys()]).size
    },
  }
}

function createVisit(over: () => void): Visit {
  let holds = 1
  let ended = false
  const release = () => {
    holds -= 1
    if (holds === 0) over()
  }
  return {
    async during(work) {
      holds += 1
      try {
        return await work()
      } finally {
        release()
      }
    },
    end() {
      if (!ended) release()
      ended = true
    },
  }
}

const COME_BACK_MS = 1_000

const tooMany = () => new IdentityError('BUSY', 'too many requests at a time', {}, { retryAfterMs: COME_BACK_MS })
