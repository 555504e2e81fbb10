/** Puts images into the node's containerd, where the kubelet finds them: nothing is ever pulled. */
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { REPOSITORY } from '@pallas/build'
import { ClusterError } from './error.ts'
import { requireUp } from './in-cluster.ts'
import type { Cluster } from './layout.ts'
import { pathOf } from './journal.ts'
import { run } from './run.ts'

/** Who knows where the programs of a cluster are: the cache, or the journal of one that is up. */
export interface Locator {
  readonly path: (name: string) => string
}

export interface LoadOptions {
  readonly env?: NodeJS.ProcessEnv
  /** What relative paths are relative to. */
  readonly from?: string
}

/** Each an OCI archive by its path, or by the name that `npm run images` has given it. Returns the paths. */
export async function load(images: readonly string[], { env = process.env, from = process.cwd() }: LoadOptions = {}): Promise<string[]> {
  const { cluster, journal } = requireUp(env)
  const archives = images.map((image) => archiveOf(image, from))
  for (const archive of archives) await importArchive(cluster, { path: (name) => pathOf(journal, name) }, archive)
  return archives
}

function archiveOf(image: string, from: string): string {
  const candidates = [resolve(from, image), join(REPOSITORY, 'build/images', `${image}.tar`)]
  const found = candidates.find((path) => path.endsWith('.tar') && existsSync(path))
  if (found !== undefined) return found
  throw new ClusterError('CLUSTER_NO_IMAGE', 'there is no such archive: name a .tar file, or what `npm run images` has made', { detail: image })
}

const DEADLINE_MS = 180_000

export async function importArchive(cluster: Cluster, programs: Locator, archive: string): Promise<void> {
  const argv = ['-a', cluster.containerdSocket, '-n', 'k8s.io', 'images', 'import', '--local', archive]
  await run([programs.path('ctr'), ...argv], { deadlineMs: DEADLINE_MS })
}
