/**
 * What must be undone, written down before it is done: any process can take the cluster down by it, whatever became of the
 * one that brought it up.
 */
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { podCgroupTree, readControllers } from './cgroups.ts'
import type { Daemon } from './daemons.ts'
import { ClusterError } from './error.ts'
import { COVERED } from './layout.ts'
import { bootedAt, bootId, type ProcessId } from './proc.ts'
import { readSysctls } from './sysctls.ts'

export interface Started extends ProcessId {
  readonly daemon: Daemon
}

export interface Journal {
  readonly version: 1
  readonly bootId: string
  readonly phase: 'starting' | 'up'
  /** Where the programs lie: in every daemon's PATH. */
  readonly path: readonly string[]
  readonly sysctls: Readonly<Record<string, string>>
  readonly controllers: Readonly<Record<string, string>>
  /** A kubelet's directories that were there, without anybody in them. */
  readonly cgroups: readonly string[]
  /** Directories that were not there: the covered ones and their parents, and what mount(8) makes for itself. Parents first. */
  readonly missing: readonly string[]
  readonly started: readonly Started[]
}

export const MADE_BY_MOUNT = '/run/mount'
/** Left by a `down` that was to keep the logs, or by an `up` that was killed before its first word. */
export const HARMLESS = ['logs', 'journal.json.draft']
const fileOf = (state: string): string => join(state, 'journal.json')

/** Makes the state directory and its journal. Throws `CLUSTER_STATE` for a directory that holds what is not ours. */
export function beginJournal(state: string, path: readonly string[]): Journal {
  const journal: Journal = {
    version: 1,
    bootId: bootId(),
    phase: 'starting',
    path,
    sysctls: readSysctls(),
    controllers: readControllers(),
    cgroups: podCgroupTree(),
    missing: missingOf([...COVERED, MADE_BY_MOUNT]),
    started: [],
  }
  if (existsSync(state) && readdirSync(state).some((name) => !HARMLESS.includes(name))) {
    throw new ClusterError('CLUSTER_STATE', 'the state directory holds what is not of a cluster', { detail: state })
  }
  mkdirSync(state, { recursive: true, mode: 0o755 })
  writeJournal(state, journal)
  return journal
}

/** Each path that is not there, after those of its parents that are not. */
export function missingOf(paths: readonly string[], exists: (path: string) => boolean = existsSync): string[] {
  const missing = new Set<string>()
  for (const path of paths) for (const at of lineage(path)) if (!exists(at)) missing.add(at)
  return [...missing]
}

const lineage = (path: string): string[] => (path === '/' ? [] : [...lineage(dirname(path)), path])

/**
 * Undefined when there is no cluster. One that cannot be read and is older than this boot stands for remains; otherwise
 * throws `CLUSTER_STATE`, as for one that another version of this tool has left.
 */
export function readJournal(state: string): Journal | undefined {
  if (!existsSync(fileOf(state))) return undefined
  try {
    const journal = JSON.parse(readFileSync(fileOf(state), 'utf8')) as Journal
    if (journal.version === 1) return journal
  } catch (cause) {
    if (isForbidden(cause)) throw new ClusterError('CLUSTER_NO_ROOT', 'there is a cluster, and only root can look at it', { cause })
    if (cause instanceof SyntaxError && isOfEarlierBoot(state)) return lost()
    throw new ClusterError('CLUSTER_STATE', 'the journal cannot be read', { detail: fileOf(state), cause })
  }
  throw new ClusterError('CLUSTER_STATE', 'the journal is of another version of this tool', { detail: fileOf(state) })
}

const isOfEarlierBoot = (state: string): boolean => statSync(fileOf(state)).mtimeMs < bootedAt()

/** What a file system that lost its power has left of one: the state directory is ours, and nothing of it runs. */
const lost = (): Journal => ({
  version: 1,
  bootId: '',
  phase: 'starting',
  path: [],
  sysctls: {},
  controllers: {},
  cgroups: [],
  missing: [],
  started: [],
})

const isForbidden = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'EACCES'

/** Whole or not at all, also where the power is lost. */
export function writeJournal(state: string, journal: Journal): void {
  const draft = `${fileOf(state)}.draft`
  writeFileSync(draft, `${JSON.stringify(journal, null, 2)}\n`, { mode: 0o600, flush: true })
  renameSync(draft, fileOf(state))
  const directory = openSync(state, 'r')
  fsyncSync(directory)
  closeSync(directory)
}

/** Where a program of this cluster lies; undefined when its cache was deleted. */
export const locate = (journal: Journal, name: string): string | undefined =>
  journal.path.map((directory) => join(directory, name)).find((path) => existsSync(path))

/** The same for who cannot do without. Throws `CLUSTER_NO_PROCESS`. */
export function pathOf(journal: Journal, name: string): string {
  const path = locate(journal, name)
  if (path !== undefined) return path
  throw new ClusterError('CLUSTER_NO_PROCESS', 'a program of the cluster is not where it was: take it down, and up again', { detail: name })
}
