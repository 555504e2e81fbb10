/** Ends all that runs and unmounts all that is mounted, at once, as a machine does that loses its power. Files stay. */
import { basename } from 'node:path'
import { podProcesses, removePodCgroups } from './cgroups.ts'
import { ClusterError } from './error.ts'
import type { Journal } from './journal.ts'
import { markedProcesses } from './launch.ts'
import { COVERED } from './layout.ts'
import { unmountAll } from './mounts.ts'
import { removeBridge } from './network.ts'
import { argvOf, isAlive, kill, startTimeOf } from './proc.ts'
import { until } from './until.ts'

/** Throws `CLUSTER_NOT_CLEAN` for what does not end or go. */
export async function powerOff(state: string, journal: Journal): Promise<void> {
  await endProcesses(state)
  const mounted = await unmountAll([...COVERED, state])
  if (mounted.length > 0) throw new ClusterError('CLUSTER_NOT_CLEAN', 'the machine is not as it was before', { detail: `still mounted: ${mounted.join(' ')}` })
  await removeBridge()
  const gone = (): boolean => removePodCgroups(journal.cgroups).length === 0
  await until(gone, { what: "the end of the pods' cgroups", deadlineMs: END_DEADLINE_MS, code: 'CLUSTER_NOT_CLEAN' })
}

const END_DEADLINE_MS = 20_000

/** First who would start containers again, then the containers, last who holds their ends: shims and the runtime. */
async function endProcesses(state: string): Promise<void> {
  await killAll('the cluster\'s programs', () => markedProcesses(state).filter((pid) => !isRuntime(pid)))
  await killAll('the pods', podProcesses)
  await killAll('the container runtime', () => markedProcesses(state))
}

const isRuntime = (pid: number): boolean => basename(argvOf(pid)[0] ?? '').startsWith('containerd')

async function killAll(what: string, list: () => readonly number[]): Promise<void> {
  const killed = new Map<number, string>()
  const none = (): boolean => {
    const pids = list()
    for (const pid of pids) {
      const startTime = startTimeOf(pid)
      if (startTime !== undefined) killed.set(pid, startTime)
      kill(pid)
    }
    // A process that is ending is no longer listed, and may hold its sockets and files a moment longer.
    return pids.length === 0 && [...killed].every(([pid, startTime]) => !isAlive({ pid, startTime }))
  }
  const explain = () => `pids ${list().join(' ')}`
  await until(none, { what: `the end of ${what}`, deadlineMs: END_DEADLINE_MS, code: 'CLUSTER_NOT_CLEAN', pollMs: 20, explain })
}
