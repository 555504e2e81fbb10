/** Takes the cluster down and puts the machine back, from whatever state it was left in. Safe to do again. */
import { existsSync, readdirSync, rmdirSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import { podProcesses, removePodCgroups, restoreControllers } from './cgroups.ts'
import { ClusterError } from './error.ts'
import { HARMLESS, type Journal, MADE_BY_MOUNT, readJournal } from './journal.ts'
import { markedProcesses } from './launch.ts'
import { type Cluster, clusterAt, COVERED, stateDirectoryOf } from './layout.ts'
import { machineLock } from './machine-lock.ts'
import { unmountAll } from './mounts.ts'
import { removeBridge } from './network.ts'
import { argvOf, bootId, kill } from './proc.ts'
import { restoreSysctls } from './sysctls.ts'
import { until } from './until.ts'

export interface DownOptions {
  readonly say: (line: string) => void
  readonly env?: NodeJS.ProcessEnv
  /** Leaves what its programs said in the state directory. */
  readonly keepLogs?: boolean
  readonly signal?: AbortSignal | undefined
}

/** False when there was nothing to take down. */
export async function down({ say, env = process.env, keepLogs = false, signal }: DownOptions): Promise<boolean> {
  const cluster = clusterAt(stateDirectoryOf(env))
  if (process.getuid?.() !== 0) throw new ClusterError('CLUSTER_NO_ROOT', 'only root can take a node down')
  await using _held = await machineLock({ say, signal })
  return await takeDown(cluster, { keepLogs })
}

/** For who holds the machine's lock. Volumes are not unpublished: what must see that deletes its pods first. */
export async function takeDown(cluster: Cluster, { keepLogs = false } = {}): Promise<boolean> {
  const state = cluster.stateDirectory
  const journal = readJournal(state)
  if (journal === undefined) return removeRemains(state, keepLogs)
  await endProcesses(state)
  const mounted = await unmountAll([...COVERED, state])
  if (mounted.length > 0) throw notClean(`still mounted: ${mounted.join(' ')}`)
  await removeBridge()
  await until(() => removePodCgroups(journal.cgroups).length === 0, { what: 'the end of the pods\' cgroups', deadlineMs: END_DEADLINE_MS, code: 'CLUSTER_NOT_CLEAN' })
  restoreMachine(journal)
  removeState(state, keepLogs)
  return true
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
  const none = (): boolean => {
    const pids = list()
    for (const pid of pids) kill(pid)
    return pids.length === 0
  }
  const explain = () => `pids ${list().join(' ')}`
  await until(none, { what: `the end of ${what}`, deadlineMs: END_DEADLINE_MS, code: 'CLUSTER_NOT_CLEAN', pollMs: 20, explain })
}

function restoreMachine(journal: Journal): void {
  // A restart of the machine has put these back, if to other values than ours.
  if (journal.bootId === bootId()) {
    restoreSysctls(journal.sysctls)
    restoreControllers(journal.controllers)
  }
  const [ours, mounts] = [journal.missing.filter((path) => path !== MADE_BY_MOUNT), journal.missing.filter((path) => path === MADE_BY_MOUNT)]
  for (const path of mounts) rmSync(path, { recursive: true, force: true })
  for (const path of ours.toReversed()) removeIfEmpty(path)
}

/** What was under our mounts is not ours to delete. */
function removeIfEmpty(directory: string): void {
  if (!existsSync(directory)) return
  if (readdirSync(directory).length > 0) throw notClean(`not empty: ${directory}`)
  rmdirSync(directory)
}

/** The journal goes last: until then this can be done again. */
function removeState(state: string, keepLogs: boolean): void {
  const keep = (name: string): boolean => name === 'journal.json' || (keepLogs && name === 'logs')
  for (const name of readdirSync(state).filter((it) => !keep(it))) rmSync(join(state, name), { recursive: true, force: true })
  rmSync(join(state, 'journal.json'))
  if (!keepLogs) rmSync(state, { recursive: true, force: true })
}

/** Without a journal nothing was done yet, or all is undone but what was to be kept. */
function removeRemains(state: string, keepLogs: boolean): false {
  const isOurs = existsSync(state) && readdirSync(state).every((name) => HARMLESS.includes(name))
  if (isOurs && !keepLogs) rmSync(state, { recursive: true })
  return false
}

const notClean = (detail: string): ClusterError => new ClusterError('CLUSTER_NOT_CLEAN', 'the machine is not as it was before', { detail })
