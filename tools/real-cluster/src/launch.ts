/** Starts daemons that outlive us. Each carries a mark in its environment, and so does what it starts: `down` finds them by it. */
import { spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Daemon } from './daemons.ts'
import { ClusterError } from './error.ts'
import { type Journal, type Started, writeJournal } from './journal.ts'
import type { Cluster } from './layout.ts'
import { works } from './probe.ts'
import { hasVariable, isAlive, kill, processIds, startTimeOf } from './proc.ts'
import { lastLines } from './run.ts'
import { until } from './until.ts'

const markOf = (state: string): string => `PALLAS_CLUSTER=${state}`

/** Who was started by a daemon of this cluster, or is one. Containers are not: their environment is their own. */
export const markedProcesses = (state: string): number[] =>
  processIds().filter((pid) => hasVariable(pid, markOf(state)) && startTimeOf(pid) !== undefined)

/** Starts it and gives the journal that knows it, written. It may not work yet. */
export function launch(cluster: Cluster, journal: Journal, daemon: Daemon): Journal {
  const { stateDirectory, logDirectory } = cluster
  mkdirSync(logDirectory, { recursive: true })
  const log = openSync(logOf(cluster, daemon.name), 'a')
  const [program, ...args] = daemon.argv
  const [variable = '', value] = markOf(stateDirectory).split('=')
  const PATH = [...journal.path, process.env['PATH'] ?? '/usr/sbin:/usr/bin:/sbin:/bin'].join(':')
  const env = { PATH, HOME: stateDirectory, [variable]: value }
  const child = spawn(program, args, { cwd: stateDirectory, detached: true, stdio: ['ignore', log, log], env })
  closeSync(log)
  child.on('error', () => undefined).unref()
  const { pid } = child
  const startTime = pid === undefined ? undefined : startTimeOf(pid)
  if (pid === undefined || startTime === undefined) throw ended(cluster, daemon.name)
  const grown = { ...journal, started: withStarted(journal.started, { daemon, pid, startTime }) }
  writeJournal(stateDirectory, grown)
  return grown
}

/** In the place of its predecessor: their order is that in which they need each other. */
const withStarted = (started: readonly Started[], one: Started): readonly Started[] => {
  const at = started.findIndex((it) => it.daemon.name === one.daemon.name)
  return at < 0 ? [...started, one] : started.with(at, one)
}

/** Resolves when it works; throws `CLUSTER_NOT_READY` with the end of its log when it ends before, or takes too long. */
export async function untilWorks(cluster: Cluster, started: Started, signal?: AbortSignal): Promise<void> {
  const { name, probe, deadlineMs } = started.daemon
  let dead = false
  const test = async (): Promise<boolean> => (await works(probe, cluster)) || (dead = !isAlive(started))
  await until(test, { what: name, deadlineMs, explain: () => logEnd(cluster, name), signal })
  if (dead) throw ended(cluster, name)
}

const END_DEADLINE_MS = 20_000

export async function killStarted(started: Started): Promise<void> {
  if (isAlive(started)) kill(started.pid)
  await until(() => !isAlive(started), { what: `the end of ${started.daemon.name}`, deadlineMs: END_DEADLINE_MS })
}

export const startedOf = (journal: Journal, name: string): Started => {
  const started = journal.started.find((it) => it.daemon.name === name)
  if (started !== undefined) return started
  const known = journal.started.map((it) => it.daemon.name).join(', ')
  throw new ClusterError('CLUSTER_NO_PROCESS', 'the cluster has no such process', { detail: `${name}; there are ${known}` })
}

const logOf = ({ logDirectory }: Cluster, name: string): string => join(logDirectory, `${name}.log`)

const ended = (cluster: Cluster, name: string): ClusterError =>
  new ClusterError('CLUSTER_NOT_READY', `${name} has ended`, { detail: logEnd(cluster, name) })

const logEnd = (cluster: Cluster, name: string): string => lastLines(readFileSync(logOf(cluster, name), 'utf8'))
