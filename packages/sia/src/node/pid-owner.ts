/**
 * Whether the number in a pid file still means the process that it was written for: numbers are given anew, and a file
 * outlives the process that wrote it.
 *
 * Who is seen first under a number counts as its owner as long as the file is the same, unless it is far younger than the
 * file: then the number has changed hands before anybody looked.
 */
import { readFile } from 'node:fs/promises'

export interface PidFile {
  readonly pid: number
  /** Changes whenever the file is written anew. */
  readonly version: string
  /** Epoch milliseconds. */
  readonly writtenAt: number
}

/** When a process began, in milliseconds since the machine did, and how long ago that was. */
export interface Birth {
  readonly at: number
  readonly ageMs: number
}

export interface PidOwners {
  /** False when the number has gone to another process; true also where `/proc` does not say. */
  isSame(this: void, file: PidFile): Promise<boolean>
}

export interface PidOwnersOptions {
  readonly now: () => number
  /** Undefined when nothing can be learnt of the process. */
  readonly birthOf?: (pid: number) => Promise<Birth | undefined>
}

/** A clock that is set after the file was written makes the file look older: seldom by more. */
const SLACK_MS = 10 * 60_000

export function createPidOwners({ now, birthOf = birthByProc }: PidOwnersOptions): PidOwners {
  let seen: { readonly pid: number; readonly version: string; readonly bornAt: number } | undefined
  return {
    async isSame({ pid, version, writtenAt }) {
      const birth = await birthOf(pid)
      if (birth === undefined) return true
      if (seen?.pid === pid && seen.version === version) return seen.bornAt === birth.at
      if (birth.ageMs + SLACK_MS < now() - writtenAt) return false
      seen = { pid, version, bornAt: birth.at }
      return true
    },
  }
}

/** The kernel tells user space hundredths of a second, whatever it counts in itself. */
const TICK_MS = 10

async function birthByProc(pid: number): Promise<Birth | undefined> {
  try {
    const [stat, uptime] = await Promise.all([readFile(`/proc/${pid}/stat`, 'latin1'), readFile('/proc/uptime', 'latin1')])
    // The command in field 2 may hold blanks and parentheses: counting begins behind the last one.
    const ticks = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[22 - 3])
    const at = ticks * TICK_MS
    const ageMs = Number.parseFloat(uptime) * 1_000 - at
    return Number.isFinite(ageMs) ? { at, ageMs } : undefined
  } catch {
    return undefined
  }
}
