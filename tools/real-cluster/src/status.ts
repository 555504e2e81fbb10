/** What there is of the cluster, for people and for programs. */
import { type Journal, locate, readJournal } from './journal.ts'
import { markedProcesses } from './launch.ts'
import { type Cluster, clusterAt, stateDirectoryOf } from './layout.ts'
import { isAlive, residentBytes } from './proc.ts'
import { isReady } from './readiness.ts'

export interface ProcessStatus {
  readonly name: string
  readonly pid: number
  readonly alive: boolean
  readonly residentBytes: number
}

/** `down`: nothing there; `starting`: an `up` is at work, or was killed; `broken`: something of it has died, `up` mends it. */
export type ClusterState = 'down' | 'starting' | 'up' | 'broken'

export interface Status extends Cluster {
  readonly state: ClusterState
  /** The program; undefined when the cluster is down, or its cache was deleted. */
  readonly kubectl: string | undefined
  readonly processes: readonly ProcessStatus[]
  /** Of all that runs for the cluster beside its pods: the processes above and a shim for each pod. */
  readonly residentBytes: number
}

export async function describeCluster(env: NodeJS.ProcessEnv = process.env): Promise<Status> {
  const cluster = clusterAt(stateDirectoryOf(env))
  const journal = readJournal(cluster.stateDirectory)
  const processes = (journal?.started ?? []).map((started) => ({
    name: started.daemon.name,
    pid: started.pid,
    alive: isAlive(started),
    residentBytes: residentBytes(started.pid),
  }))
  const pids = journal === undefined ? [] : markedProcesses(cluster.stateDirectory)
  const kubectl = journal === undefined ? undefined : locate(journal, 'kubectl')
  return { ...cluster, state: await stateOf(journal, cluster), kubectl, processes, residentBytes: pids.reduce((sum, pid) => sum + residentBytes(pid), 0) }
}

async function stateOf(journal: Journal | undefined, cluster: Cluster): Promise<ClusterState> {
  if (journal === undefined) return 'down'
  if (journal.phase === 'starting') return 'starting'
  const ready = journal.started.every(isAlive) && (await isReady(cluster).catch(() => false))
  return ready ? 'up' : 'broken'
}

/** Lines for a terminal. */
export function statusLines(status: Status): string[] {
  const { state, stateDirectory, processes } = status
  if (state === 'down') return ['the cluster is down']
  return [
    `the cluster is ${state}`,
    ...FACTS.map(([title, key]) => `  ${title.padEnd(20)} ${status[key]}`),
    ...processes.map(({ name, pid, alive, residentBytes }) => `  ${name.padEnd(26)} ${alive ? `pid ${pid}, ${mib(residentBytes)}` : 'has ended'}`),
    `  all together ${mib(status.residentBytes)}; everything lies below ${stateDirectory}`,
  ]
}

const mib = (bytes: number): string => `${Math.round(bytes / 2 ** 20)} MiB`

const FACTS = [
  ['kubeconfig', 'kubeconfig'],
  ['node', 'nodeName'],
  ['API server', 'apiServer'],
  ['names', 'dnsAddress'],
  ['FlexVolume drivers', 'flexVolumeDirectory'],
  ['kubelet', 'kubeletRoot'],
  ['containerd', 'containerdSocket'],
  ['NRI', 'nriSocket'],
  ['logs', 'logDirectory'],
] as const satisfies readonly (readonly [string, keyof Cluster])[]
