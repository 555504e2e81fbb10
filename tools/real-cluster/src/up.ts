/** Brings the cluster up, or finds it up. What fails, or is asked to stop, leaves nothing behind. */
import { ensurePrograms, type Programs } from './cache.ts'
import { containerd } from './containerd.ts'
import { coverDirectories } from './covers.ts'
import { apiServer, controllerManager, etcd, scheduler } from './control-plane.ts'
import type { Daemon } from './daemons.ts'
import { dns } from './dns.ts'
import { takeDown } from './down.ts'
import { ensureImages } from './images.ts'
import { beginJournal, type Journal, readJournal, writeJournal } from './journal.ts'
import { kubelet } from './kubelet.ts'
import { launch, startedOf, untilWorks } from './launch.ts'
import { type Cluster, clusterAt, COVERED, stateDirectoryOf } from './layout.ts'
import { importArchive } from './load.ts'
import { type Go, readGo, requireBuildTools, requireNode } from './machine.ts'
import { machineLock } from './machine-lock.ts'
import { mountsAt } from './mounts.ts'
import { makeBridge } from './network.ts'
import { writePki } from './pki.ts'
import { isReady } from './readiness.ts'
import { bootId, isAlive } from './proc.ts'
import { until } from './until.ts'

export interface UpOptions {
  readonly say: (line: string) => void
  readonly env?: NodeJS.ProcessEnv
  readonly signal?: AbortSignal | undefined
}

interface Terms {
  readonly cluster: Cluster
  readonly say: (line: string) => void
  readonly signal: AbortSignal | undefined
}

/** Resolves when the node is Ready and pods can be made. Throws a `ClusterError` that says what is missing. */
export async function up({ say, env = process.env, signal }: UpOptions): Promise<Cluster> {
  const cluster = clusterAt(stateDirectoryOf(env))
  const terms: Terms = { cluster, say, signal }
  if (isIntact(readJournal(cluster.stateDirectory))) {
    await using _held = await machineLock(terms)
    const journal = readJournal(cluster.stateDirectory)
    if (journal !== undefined && isIntact(journal)) return await rejoin(journal, terms)
  }
  const { programs, archives } = await prepare(await readGo(), env, terms)
  await using _held = await machineLock(terms)
  const journal = readJournal(cluster.stateDirectory)
  if (journal !== undefined && isIntact(journal)) return await rejoin(journal, terms)
  return await fromNothing(journal, { programs, archives }, terms)
}

interface Prepared {
  readonly programs: Programs
  readonly archives: readonly string[]
}

/**
 * Resolves when this machine can hold a cluster, or holds ours; nothing is built, and nothing stays. Throws a
 * `ClusterError` that says what is missing.
 */
export async function checkMachine({ say, env = process.env, signal }: UpOptions): Promise<void> {
  const cluster = clusterAt(stateDirectoryOf(env))
  await readGo()
  await requireBuildTools()
  await checkNode({ cluster, say, signal })
}

/** What takes long the first time, and touches only the user's cache. What the machine lacks is said before. */
async function prepare(go: Go, env: NodeJS.ProcessEnv, { cluster, say, signal }: Terms): Promise<Prepared> {
  await checkNode({ cluster, say, signal })
  const programs = await ensurePrograms({ ...go, env, say, signal, beforeBuild: requireBuildTools })
  return { programs, archives: await ensureImages(programs, env) }
}

/** Under the lock: what another `up` is about to make must not be taken for a rival's. */
async function checkNode(terms: Terms): Promise<void> {
  await using _held = await machineLock(terms)
  const { stateDirectory } = terms.cluster
  if (readJournal(stateDirectory) === undefined) await requireNode(stateDirectory)
}

/** It was up, and the machine has not been restarted since. */
const isIntact = (journal: Journal | undefined): boolean =>
  journal?.phase === 'up' && journal.bootId === bootId() && COVERED.every((target) => mountsAt(target).length > 0)

/** A cluster that is up; what has died in it is started again. */
async function rejoin(journal: Journal, { cluster, say, signal }: Terms): Promise<Cluster> {
  let grown = journal
  for (const started of journal.started.filter((it) => !isAlive(it))) {
    say(`${started.daemon.name} had ended: started again`)
    grown = launch(cluster, grown, started.daemon)
  }
  for (const started of grown.started) await untilWorks(cluster, started, signal)
  say('the cluster is up already')
  return cluster
}

async function fromNothing(journal: Journal | undefined, prepared: Prepared, terms: Terms): Promise<Cluster> {
  const { cluster, say, signal } = terms
  if (journal !== undefined) {
    say('a cluster that was not finished, or did not outlive the machine, is cleared away')
    await takeDown(cluster)
  }
  await requireNode(cluster.stateDirectory)
  const begun = performance.now()
  const sayWhen = (line: string): void => say(`${((performance.now() - begun) / 1_000).toFixed(1).padStart(5)} s  ${line}`)
  try {
    await bringUp(prepared, { ...terms, say: sayWhen })
    return cluster
  } catch (error) {
    await takeDown(cluster, { keepLogs: signal?.aborted !== true })
    throw error
  }
}

async function bringUp({ programs, archives }: Prepared, { cluster, say, signal }: Terms): Promise<void> {
  const state = cluster.stateDirectory
  let journal = beginJournal(state, programs.directories)
  const start = (daemon: Daemon): void => void (journal = launch(cluster, journal, daemon))
  const ready = (name: string): Promise<void> => untilWorks(cluster, startedOf(journal, name), signal)

  await coverDirectories(state)
  await makeBridge()
  start(containerd(cluster, programs))
  start(etcd(cluster, programs))
  await writePki(cluster)
  start(apiServer(cluster, programs))
  await ready('containerd')
  say('containerd answers')
  start(kubelet(cluster, programs))
  for (const archive of archives) await importArchive(cluster, programs, archive)
  say('its own images are loaded')
  await ready('kube-apiserver')
  say('the API server is ready')
  start(controllerManager(cluster, programs))
  start(scheduler(cluster, programs))
  start(dns(cluster, programs))
  await until(() => isReady(cluster), { what: 'a node that is Ready', deadlineMs: NODE_DEADLINE_MS, signal })
  for (const { daemon } of journal.started) await ready(daemon.name)
  writeJournal(state, { ...journal, phase: 'up' })
  say('the node is Ready')
}

const NODE_DEADLINE_MS = 90_000
