/** What `/proc` says of a process, held by a descriptor so that a recycled pid cannot slip in between two reads. */
import { closeSync, constants, openSync, readFileSync, statfsSync } from 'node:fs'

/** Where the system itself fails (no descriptors left), calls throw: that says nothing of the process. */
export interface Processes {
  /** Undefined when there is no such process, or none that the agent may see. */
  open(pid: number): ProcessRecord | undefined
  /** Whether it is the kernel that speaks: then whoever lives is there. */
  readonly isKernels: boolean
}

export interface ProcessRecord extends Disposable {
  /** Text of its `cgroup` file; undefined once the process is gone. */
  cgroups(): string | undefined
  /** Start time in ticks since boot; undefined once the process is gone. */
  startTime(): string | undefined
}

/** `root` says the cgroups; the start time is always the kernel's own, from `/proc`. */
export function openProcesses(root: string): Processes {
  return {
    isKernels: root === PROC,
    open(pid) {
      const directory = openDirectory(`${root}/${pid}`)
      if (directory === undefined) return undefined
      const kernel = root === PROC ? directory : openDirectory(`${PROC}/${pid}`)
      return {
        cgroups: () => read(directory, 'cgroup'),
        startTime: () => startTimeOf(read(kernel, 'stat')),
        [Symbol.dispose]: () => {
          closeSync(directory)
          if (kernel !== undefined && kernel !== directory) closeSync(kernel)
        },
      }
    },
  }
}

/** Of this very process, by the kernel's word whatever the root. */
export const ownCgroups = (): string | undefined => unlessGone(() => readFileSync(`${PROC}/self/cgroup`, 'utf8'))

export const PROC = '/proc'
const PROC_SUPER_MAGIC = 0x9fa0

/** `procfs`, another `directory`, or `missing`. */
export function kindOfProcRoot(root: string): 'procfs' | 'directory' | 'missing' {
  try {
    return statfsSync(root).type === PROC_SUPER_MAGIC ? 'procfs' : 'directory'
  } catch {
    return 'missing'
  }
}

/** Field 22 of `stat`; the command in field 2 may hold blanks and parentheses, so counting begins after the last one. */
export function startTimeOf(stat: string | undefined): string | undefined {
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')
  const value = fields?.[22 - 3]
  return value !== undefined && /^\d+$/.test(value) ? value : undefined
}

const openDirectory = (path: string): number | undefined =>
  unlessGone(() => openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW))

const read = (directory: number | undefined, name: string): string | undefined =>
  directory === undefined ? undefined : unlessGone(() => readFileSync(`${PROC}/self/fd/${directory}/${name}`, 'utf8'))

const GONE: ReadonlySet<unknown> = new Set(['ENOENT', 'ESRCH', 'ENOTDIR'])

function unlessGone<T>(step: () => T): T | undefined {
  try {
    return step()
  } catch (error) {
    if (error instanceof Error && 'code' in error && GONE.has(error.code)) return undefined
    throw error
  }
}
