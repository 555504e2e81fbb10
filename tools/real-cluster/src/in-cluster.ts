/** For commands on a cluster that must be there. */
import { ClusterError } from './error.ts'
import { type Journal, readJournal } from './journal.ts'
import { type Cluster, clusterAt, stateDirectoryOf } from './layout.ts'

export interface Running {
  readonly cluster: Cluster
  readonly journal: Journal
}

/** Throws `CLUSTER_NOT_UP`. */
export function requireUp(env: NodeJS.ProcessEnv): Running {
  const cluster = clusterAt(stateDirectoryOf(env))
  const journal = readJournal(cluster.stateDirectory)
  if (journal?.phase === 'up') return { cluster, journal }
  throw new ClusterError('CLUSTER_NOT_UP', 'there is no cluster: bring it up with `npm run cluster -- up`')
}
