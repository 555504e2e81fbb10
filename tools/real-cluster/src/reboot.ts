/** A machine that loses its power and comes up again, as far as the cluster is concerned: only what is on disks is left. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { coverDirectories } from './covers.ts'
import { requireUp } from './in-cluster.ts'
import { type Journal, writeJournal } from './journal.ts'
import { launch, startedOf, untilWorks } from './launch.ts'
import type { Cluster } from './layout.ts'
import { machineLock } from './machine-lock.ts'
import { makeBridge } from './network.ts'
import { powerOff } from './power-off.ts'
import { isReady } from './readiness.ts'
import { until } from './until.ts'

export interface RebootOptions {
  readonly say: (line: string) => void
  readonly env?: NodeJS.ProcessEnv
  readonly signal?: AbortSignal | undefined
}

/** What a real machine has below /run, in memory. */
const VOLATILE = ['containerd/state', 'runc', 's', 'containerd.sock', 'containerd.sock.ttrpc', 'nri.sock']
const NODE_DEADLINE_MS = 90_000

/**
 * Resolves when the node says anew that it is Ready. The kubelet starts its pods, which may take longer: until then the API
 * server shows them as they were before.
 */
export async function reboot({ say, env = process.env, signal }: RebootOptions): Promise<void> {
  requireUp(env)
  await using _held = await machineLock({ say, signal })
  const { cluster, journal } = requireUp(env)
  const state = cluster.stateDirectory
  // One that is killed here is no cluster any more, and cleared away by the next `up` or `down`.
  writeJournal(state, { ...journal, phase: 'starting' })
  await powerOff(state, journal)
  for (const path of VOLATILE) rmSync(join(state, path), { recursive: true, force: true })
  writeJournal(state, { ...(await boot(cluster, { ...journal, phase: 'starting' }, signal)), phase: 'up' })
}

async function boot(cluster: Cluster, journal: Journal, signal: AbortSignal | undefined): Promise<Journal> {
  const since = Date.now()
  await coverDirectories(cluster.stateDirectory)
  await makeBridge()
  let grown = journal
  for (const { daemon } of journal.started) {
    grown = launch(cluster, grown, daemon)
    await untilWorks(cluster, startedOf(grown, daemon.name), signal)
  }
  await until(() => isReady(cluster, since), { what: 'a node that is Ready', deadlineMs: NODE_DEADLINE_MS, signal })
  return grown
}
