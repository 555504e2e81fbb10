/** Puts images into the node's containerd, where the kubelet finds them: nothing is ever pulled. */
import { existsSync, readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { REPOSITORY } from '@pallas/build'
import { ClusterError } from './error.ts'
import { requireUp } from './in-cluster.ts'
import type { Cluster } from './layout.ts'
import { pathOf } from './journal.ts'
import { run } from './run.ts'

const MADE = join(REPOSITORY, 'build/images')

/** Who knows where the programs of a cluster are: the cache, or the journal of one that is up. */
export interface Locator {
  readonly path: (name: string) => string
}

export interface LoadOptions {
  readonly env?: NodeJS.ProcessEnv
  /** What relative paths are relative to. */
  readonly from?: string
}

/** The archives that `npm run images` has made; `CLUSTER_NO_IMAGE` when there is none. */
export function madeImages(dir: string = MADE): string[] {
  const archives = existsSync(dir) ? readdirSync(dir).filter((name) => name.endsWith('.tar')) : []
  if (archives.length === 0) throw new ClusterError('CLUSTER_NO_IMAGE', 'no image has been made: npm run images', { detail: dir })
  return archives.toSorted().map((name) => join(dir, name))
}

/** Each an OCI archive by its path, or by the name that `npm run images` has given it. Returns the paths. */
export async function load(images: readonly string[], { env = process.env, from = process.cwd() }: LoadOptions = {}): Promise<string[]> {
  const { cluster, journal } = requireUp(env)
  const archives = images.map((image) => archiveOf(image, from))
  for (const archive of archives) await importArchive(cluster, { path: (name) => pathOf(journal, name) }, archive)
  return archives
}

function archiveOf(image: string, from: string): string {
  const candidates = [resolve(from, image), join(MADE, `${image}.tar`)]
  const found = candidates.find((path) => path.endsWith('.tar') && existsSync(path))
  if (found !== undefined) return found
  throw new ClusterError('CLUSTER_NO_IMAGE', 'there is no such archive: name a .tar file, or what `npm run images` has made', { detail: image })
}

const DEADLINE_MS = 180_000

export async function importArchive(cluster: Cluster, programs: Locator, archive: string): Promise<void> {
  const argv = ['-a', cluster.containerdSocket, '-n', 'k8s.io', 'images', 'import', '--local', archive]
  await run([programs.path('ctr'), ...argv], { deadlineMs: DEADLINE_MS })
}
