/** What the kernel says of a process: memory and processor time. */
import { readFileSync } from 'node:fs'

export interface Memory {
  /** MiB. */
  readonly resident: number
  /** MiB; pages shared with other processes are counted in parts. */
  readonly proportional: number
  /** MiB that belong to no file. */
  readonly anonymous: number
}

export const memoryOf = (pid: number): Memory => parseSmapsRollup(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))

export function parseSmapsRollup(text: string): Memory {
  const mebibytes = (field: string): number => {
    const found = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1]
    if (found === undefined) throw new Error('smaps_rollup lacks a field')
    return Number(found) / 1_024
  }
  return { resident: mebibytes('Rss'), proportional: mebibytes('Pss'), anonymous: mebibytes('Anonymous') }
}

export interface CpuTime {
  /** Milliseconds of the process itself, all threads. */
  readonly own: number
  /** Milliseconds of its children that have ended and been waited for. */
  readonly children: number
}

export const cpuTimeOf = (pid: number | 'self'): CpuTime => parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8'))

/** The kernel tells user processes in hundredths of a second on every architecture that Node runs on. */
const TICK_MS = 10

export function parseStat(text: string): CpuTime {
  // The name of the program, in parentheses, may hold anything.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ').map(Number)
  const [utime = 0, stime = 0, cutime = 0, cstime = 0] = fields.slice(11, 15)
  return { own: (utime + stime) * TICK_MS, children: (cutime + cstime) * TICK_MS }
}
