/** Ends one program of the cluster, suddenly, and starts it again as it was: an upgrade, or a crash. */
import { requireUp } from './in-cluster.ts'
import { killStarted, launch, startedOf, untilWorks } from './launch.ts'
import { machineLock } from './machine-lock.ts'

export interface RestartOptions {
  readonly say: (line: string) => void
  readonly env?: NodeJS.ProcessEnv
  readonly signal?: AbortSignal | undefined
}

/** Resolves when it works again. Throws `CLUSTER_NO_PROCESS` for a name that the cluster does not know. */
export async function restart(name: string, { say, env = process.env, signal }: RestartOptions): Promise<void> {
  requireUp(env)
  await using _held = await machineLock({ say, signal })
  const { cluster, journal } = requireUp(env)
  const started = startedOf(journal, name)
  await killStarted(started)
  await untilWorks(cluster, startedOf(launch(cluster, journal, started.daemon), name), signal)
}
