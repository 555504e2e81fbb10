/** The project's own cluster on this machine (`npm run cluster`), when it is up: where its kubeconfig, kubectl and plugin directory are. */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { REPOSITORY } from '@pallas/build'

export interface OwnCluster {
  readonly kubeconfig: string
  readonly kubectl: string
  readonly kubectlCache: string
  readonly pluginDir: string
}

const TIMEOUT_MS = 20_000

/** Undefined when there is none, or none that is up. */
export function findOwnCluster(): Promise<OwnCluster | undefined> {
  const main = join(REPOSITORY, 'tools/real-cluster/src/main.ts')
  if (!existsSync(main)) return Promise.resolve(undefined)
  const { promise, resolve } = Promise.withResolvers<OwnCluster | undefined>()
  execFile(process.execPath, ['--disable-warning=ExperimentalWarning', main, 'status', '--json'], { timeout: TIMEOUT_MS }, (_error, stdout) => resolve(ownClusterOf(stdout)))
  return promise
}

/** Exported for its tests. */
export function ownClusterOf(stdout: string): OwnCluster | undefined {
  let status: unknown
  try {
    status = JSON.parse(stdout)
  } catch {
    return undefined
  }
  if (typeof status !== 'object' || status === null) return undefined
  const { state, kubeconfig, kubectl, kubectlCache, flexVolumeDirectory } = status as Readonly<Record<string, unknown>>
  if (state !== 'up' || typeof kubeconfig !== 'string' || typeof kubectl !== 'string') return undefined
  if (typeof kubectlCache !== 'string' || typeof flexVolumeDirectory !== 'string') return undefined
  return { kubeconfig, kubectl, kubectlCache, pluginDir: flexVolumeDirectory }
}
