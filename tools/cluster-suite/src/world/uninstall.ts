/** Takes away all that the tests have made in the cluster and on its node. */
import { type Cluster, describeCluster } from '@pallas/real-cluster'
import { systemClock } from '@pallas/runtime'
import { createKubectl, remove } from '@pallas/trial'
import { removeHome } from '../admin.ts'
import { kubectl } from '../kubectl.ts'
import { forgetInstall } from './install.ts'
import { NAMESPACES } from './names.ts'

const PATIENCE_MS = 180_000

/** As an administrator would by `npm run trial -- --delete`: pods first, while there are agents and a driver. */
export async function uninstall(cluster: Cluster, say: (line: string) => void): Promise<void> {
  const status = await describeCluster()
  if (status.kubectl === undefined) throw new Error('the cluster is down')
  await kubectl(['delete', 'namespaces', ...NAMESPACES, '--ignore-not-found', `--timeout=${PATIENCE_MS / 1_000}s`], { deadlineMs: PATIENCE_MS + 10_000 })
  const { signal } = new AbortController()
  const trialKubectl = createKubectl({ program: status.kubectl, kubeconfig: cluster.kubeconfig, cacheDirectory: cluster.kubectlCache, signal })
  const atHand = { kubectl: trialKubectl, typed: 'kubectl', pluginDir: cluster.flexVolumeDirectory, version: '', server: '' }
  await remove({ cluster: atHand, deps: { clock: systemClock, signal, say }, timeoutMs: PATIENCE_MS })
  await removeHome()
  forgetInstall(cluster)
}
