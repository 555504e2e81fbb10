/**
 * The connections of a listener that many callers share. When there is no room, whoever holds most makes some: the oldest of
 * its connections that ask for nothing goes. So a thousand silent connections keep nobody out.
 */
import type { Cuttable } from './allowance.ts'

export interface Crowd {
  /** False: nobody can make room, so it must be closed at once. */
  joined(caller: string, connection: Cuttable): boolean
  left(caller: string, connection: Cuttable): void
  /** A request of this connection is worked on, until the function that is returned is called. */
  asks(connection: Cuttable): () => void
  readonly size: number
}

export interface CrowdOptions {
  readonly most: number
  /** Told of each connection that had to go. */
  readonly onEvicted: (caller: string) => void
}

export function createCrowd({ most, onEvicted }: CrowdOptions): Crowd {
  /** The oldest first. */
  const held = new Map<string, Set<Cuttable>>()
  const asking = new Map<Cuttable, number>()
  let size = 0

  function left(caller: string, connection: Cuttable): void {
    const own = held.get(caller)
    if (own?.delete(connection) !== true) return
    size -= 1
    if (own.size === 0) held.delete(caller)
  }

  function evict(): boolean {
    const byMost = [...held].sort(([, one], [, other]) => other.size - one.size)
    for (const [caller, own] of byMost) {
      const silent = [...own].find((connection) => !asking.has(connection))
      if (silent === undefined) continue
      left(caller, silent)
      silent.destroy()
      onEvicted(caller)
      return true
    }
    return false
  }

  return {
    left,
    joined(caller, connection) {
      if (size >= most && !evict()) return false
      const own = held.get(caller) ?? new Set()
      held.set(caller, own.add(connection))
      size += 1
      return true
    },
    asks(connection) {
      asking.set(connection, (asking.get(connection) ?? 0) + 1)
      return () => {
        const fewer = (asking.get(connection) ?? 1) - 1
        if (fewer === 0) asking.delete(connection)
        else asking.set(connection, fewer)
      }
    },
    get size() {
      return size
    },
  }
}
