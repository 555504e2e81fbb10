/** Which cluster the trial is for, and whether it can carry it. */
import { TrialError } from './error.ts'
import { createKubectl, type Kubectl } from './kubectl.ts'
import type { TrialOptions } from './command.ts'
import type { OwnCluster } from './own-cluster.ts'

export interface ClusterAtHand {
  readonly kubectl: Kubectl
  /** How to type it, for who wants to look further. */
  readonly typed: string
  readonly pluginDir: string | undefined
  readonly version: string
  /** URL of the API server; empty where kubectl takes the one that it runs in. */
  readonly server: string
}

export interface AtHandDeps {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly findOwn: () => Promise<OwnCluster | undefined>
  readonly signal: AbortSignal
  readonly open?: typeof createKubectl
}

/** Fine-grained kubelet authorisation, without which the agent would need a right that runs commands in pods. */
const LEAST_MINOR = 33

export async function clusterAtHand(options: TrialOptions, { env, findOwn, signal, open = createKubectl }: AtHandDeps): Promise<ClusterAtHand> {
  const isNamed = options.kubeconfig !== undefined || (env['KUBECONFIG'] ?? '') !== ''
  const own = isNamed ? undefined : await findOwn()
  const program = options.kubectl ?? own?.kubectl ?? 'kubectl'
  const kubeconfig = options.kubeconfig ?? own?.kubeconfig
  const kubectl = open({ program, kubeconfig, cacheDirectory: own?.kubectlCache, signal })
  const version = await versionOf(kubectl)
  const server = (await kubectl(['config', 'view', '--minify', '--output=jsonpath={.clusters[0].cluster.server}'])).trim()
  return { kubectl, typed: own === undefined ? typedOf(program, kubeconfig) : 'npm run --silent cluster -- kubectl', pluginDir: options.pluginDir ?? own?.pluginDir, version, server }
}

const typedOf = (program: string, kubeconfig: string | undefined): string => (kubeconfig === undefined ? program : `${program} --kubeconfig=${kubeconfig}`)

async function versionOf(kubectl: Kubectl): Promise<string> {
  const { serverVersion } = JSON.parse(await kubectl(['version', '--output=json'])) as { serverVersion: { gitVersion: string; major: string; minor: string } }
  const { gitVersion, major, minor } = serverVersion
  if (Number(major) === 1 && Number.parseInt(minor, 10) < LEAST_MINOR) {
    throw new TrialError('TRIAL_CLUSTER_TOO_OLD', `this cluster is ${gitVersion}; the suite needs Kubernetes 1.${LEAST_MINOR} or newer`)
  }
  return gitVersion
}
