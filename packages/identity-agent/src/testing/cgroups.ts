import { mkdirSync, writeFileSync } from 'node:fs'

const CONTAINER = 'dee649c4eb31f5e7b0c6355eb6aa4f1214f455eb7ec72b005647d5595476d148'

/** The file that a node shows for a process in a pod. */
export const cgroupsOf = (uid: string): string => `0::/kubepods/burstable/pod${uid}/${CONTAINER}\n`

/** Says in a proc root of the test's own that a process is in a pod, as the sandbox's kubelet does. */
export function placeProcess(procRoot: string, pid: number, cgroups: string): void {
  mkdirSync(`${procRoot}/${pid}`, { recursive: true })
  writeFileSync(`${procRoot}/${pid}/cgroup`, cgroups)
}
