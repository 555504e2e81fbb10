/** Processes and mounts of pods, as root of their host sees them. */
import { readdirSync, readFileSync } from 'node:fs'
import { describeCluster } from '@pallas/real-cluster'
import type { PodObject } from '@pallas/suite'

export interface HostProcess {
  readonly pid: number
  readonly argv: readonly string[]
}

/** Those whose cgroup is of the pod; the systemd form of a UID has other dashes. */
export function processesOf({ metadata: { uid } }: Pick<PodObject, 'metadata'>): HostProcess[] {
  const forms = [`pod${uid}`, `pod${uid.replaceAll('-', '_')}`]
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => forms.some((form) => read(`/proc/${pid}/cgroup`).includes(form)))
    .map((pid) => ({ pid: Number(pid), argv: read(`/proc/${pid}/cmdline`).split('\0').slice(0, -1) }))
}

export async function kubeletPid(): Promise<number> {
  const found = (await describeCluster()).processes.find(({ name }) => name === 'kubelet')
  if (found === undefined) throw new Error('there is no kubelet')
  return found.pid
}

/** Whether a signal to stop has reached every thread: until then one of them may still answer. */
export const isStopped = (pid: number): boolean =>
  readdirSync(`/proc/${pid}/task`).every((thread) => /^\d+ \(.*\) [Tt] /s.test(read(`/proc/${pid}/task/${thread}/stat`)))

/** Mount points of the host, one for each mount. */
export const allMounts = (): string[] =>
  read('/proc/self/mountinfo')
    .split('\n')
    .flatMap((line) => line.split(' ')[4] ?? [])
    .toSorted((a, b) => (a < b ? -1 : 1))

export const mountsBelow = (dir: string): string[] => allMounts().filter((path) => path === dir || path.startsWith(`${dir}/`))

/** What is there more often than before: two mounts on one path are two. */
export function newIn(now: readonly string[], before: readonly string[]): string[] {
  const known = [...before]
  return now.filter((path) => {
    const place = known.indexOf(path)
    if (place >= 0) known.splice(place, 1)
    return place < 0
  })
}

/** Nothing of a process that has gone meanwhile. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
