/** Processes of this machine as /proc tells of them. A pid with its start time is one process for good. */
import { readdirSync, readFileSync } from 'node:fs'

export interface ProcessId {
  readonly pid: number
  /** Field 22 of /proc/PID/stat. */
  readonly startTime: string
}

/** Undefined when there is none, and for one that has ended and only waits to be reaped. */
export function startTimeOf(pid: number): string | undefined {
  const stat = read(`/proc/${pid}/stat`)
  return stat === undefined ? undefined : startTimeIn(stat, () => threadsOf(pid))
}

/**
 * The first thread of a process that was killed may have ended before the others: until the last of them has, sockets are
 * listened on and files are open. `threads`: how many are listed, the first one always among them.
 */
export function startTimeIn(stat: string, threads: () => number): string | undefined {
  const fields = stat.split(') ').at(-1)?.split(' ') ?? []
  return fields[0] === 'Z' && threads() <= 1 ? undefined : fields[19]
}

function threadsOf(pid: number): number {
  try {
    return readdirSync(`/proc/${pid}/task`).length
  } catch {
    return 0
  }
}

export const isAlive = ({ pid, startTime }: ProcessId): boolean => startTimeOf(pid) === startTime

export const processIds = (): number[] => readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number)

export const argvOf = (pid: number): string[] => (read(`/proc/${pid}/cmdline`) ?? '').split('\0').slice(0, -1)

/** Whether the process was started with this variable, or by one that was. */
export const hasVariable = (pid: number, variable: string): boolean =>
  (read(`/proc/${pid}/environ`) ?? '').split('\0').includes(variable)

export function residentBytes(pid: number): number {
  const kib = /^VmRSS:\s+(\d+)/m.exec(read(`/proc/${pid}/status`) ?? '')?.[1]
  return kib === undefined ? 0 : Number(kib) * 1024
}

export function kill(pid: number, signal: NodeJS.Signals = 'SIGKILL'): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if (!isGone(error)) throw error
  }
}

const isGone = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'ESRCH'

/** How many open files a process of ours may ask for. */
export const openFilesLimit = (): number => Number(/^Max open files\s+\S+\s+(\d+)/m.exec(read('/proc/self/limits') ?? '')?.[1] ?? 4096)

/** Epoch milliseconds. */
export const bootedAt = (): number => Number(/^btime (\d+)$/m.exec(readFileSync('/proc/stat', 'utf8'))?.[1] ?? 0) * 1_000

export const bootId = (): string => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
