/** Takes the cluster down and puts the machine back, from whatever state it was left in. Safe to do again. */
import { existsSync, readdirSync, rmdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { restoreControllers } from './cgroups.ts'
import { ClusterError } from './error.ts'
import { HARMLESS, type Journal, MADE_BY_MOUNT, readJournal } from './journal.ts'
import { type Cluster, clusterAt, stateDirectoryOf } from './layout.ts'
import { machineLock } from './machine-lock.ts'
import { powerOff } from './power-off.ts'
import { bootId } from './proc.ts'
import { restoreSysctls } from './sysctls.ts'

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
  // What runs or is mounted after a restart of the machine is not ours, and may be another kubelet's.
  if (journal.bootId === bootId()) await undo(state, journal)
  removeMade(journal)
  removeState(state, keepLogs)
  return true
}

async function undo(state: string, journal: Journal): Promise<void> {
  await powerOff(state, journal)
  restoreSysctls(journal.sysctls)
  restoreControllers(journal.controllers)
  if (journal.missing.includes(MADE_BY_MOUNT)) rmSync(MADE_BY_MOUNT, { recursive: true, force: true })
}

/** Directories that were made to be covered: what somebody has put into one since is his. */
function removeMade({ missing }: Journal): void {
  for (const directory of missing.toReversed()) {
    if (existsSync(directory) && readdirSync(directory).length === 0) rmdirSync(directory)
  }
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
