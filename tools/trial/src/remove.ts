/** `npm run trial -- --delete`: pods first, while there still is an agent and a driver; then the driver from the nodes; then the rest. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { REPOSITORY } from '@pallas/build'
import { parse } from 'yaml'
import type { ClusterAtHand } from './cluster-at-hand.ts'
import { TrialError } from './error.ts'
import { existingPluginDir, refuseOccupied } from './existing.ts'
import type { Kubectl } from './kubectl.ts'
import { ADMIN_NAMESPACE, DEFAULT_PLUGIN_DIR, EXAMPLE, FIELD_MANAGER, LABEL } from './names.ts'
import type { Manifest } from './render.ts'
import { toYaml } from './render.ts'
import { lastLineOf, type WaitDeps, waitForWorkloads } from './wait.ts'
import { type Pod, stuckContainerOf } from './workloads.ts'

const ALL_OF_IT = `--selector=${LABEL.key}=${LABEL.value}`
const UNINSTALL = 'athenz-uninstall'

export async function remove({ cluster, deps, timeoutMs }: { readonly cluster: ClusterAtHand; readonly deps: Omit<WaitDeps, 'kubectl'>; readonly timeoutMs: number }): Promise<void> {
  const { kubectl } = cluster
  const { say } = deps
  await refuseOccupied(kubectl)
  const pluginDir = cluster.pluginDir ?? (await existingPluginDir(kubectl)) ?? DEFAULT_PLUGIN_DIR
  const drop = (what: readonly string[]) => dropAndWait(kubectl, what, timeoutMs)
  say('Deleting the two pods, whose volumes the driver takes away')
  await drop(['namespaces', `${ALL_OF_IT},kubernetes.io/metadata.name=${EXAMPLE.namespace}`])
  say('Deleting webhook, agents and control plane')
  await drop(['mutatingwebhookconfigurations', ALL_OF_IT])
  await drop(['daemonsets,deployments', `--namespace=${ADMIN_NAMESPACE}`, ALL_OF_IT])
  if (await hasNamespace(kubectl)) {
    say(`Taking the driver and /var/athenz off the nodes (${pluginDir})`)
    await cleanNodes(cluster, { ...deps, kubectl }, { pluginDir, timeoutMs })
  }
  await drop(['namespaces,clusterroles,clusterrolebindings,priorityclasses,validatingadmissionpolicybindings,validatingadmissionpolicies', ALL_OF_IT])
  say('Nothing of the trial is left, but empty directories /var/athenz on the nodes.')
}

async function dropAndWait(kubectl: Kubectl, what: readonly string[], timeoutMs: number): Promise<void> {
  const seconds = Math.ceil(timeoutMs / 1_000)
  try {
    await kubectl(['delete', ...what, '--ignore-not-found', '--wait', `--timeout=${seconds}s`], { timeoutMs: timeoutMs + 10_000 })
  } catch (error) {
    if (!(error instanceof TrialError) || error.code !== 'TRIAL_APPLY_FAILED') throw error
    throw new TrialError('TRIAL_NOT_DELETED', `${what[0]} cannot be deleted in ${seconds} s: ${error.message}`, error)
  }
}

const hasNamespace = async (kubectl: Kubectl): Promise<boolean> =>
  (await kubectl(['get', 'namespace', ADMIN_NAMESPACE, '--output=name', '--ignore-not-found'])).trim() !== ''

interface Uninstall extends Manifest {
  readonly spec: { readonly template: { readonly spec: { readonly volumes: readonly { readonly name: string }[] } & Readonly<Record<string, unknown>> } & Readonly<Record<string, unknown>> } & Readonly<Record<string, unknown>>
}

/** `deploy/uninstall/daemonset.yaml` with the plugin directory of these nodes. Exported for its tests. */
export function uninstaller(pluginDir: string): Manifest {
  const manifest = parse(readFileSync(join(REPOSITORY, 'deploy/uninstall/daemonset.yaml'), 'utf8')) as Uninstall
  const { template } = manifest.spec
  const volumes = template.spec.volumes.map((volume) => (volume.name === 'plugin-dir' ? { ...volume, hostPath: { path: pluginDir } } : volume))
  const labels = { ...manifest.metadata.labels, [LABEL.key]: LABEL.value }
  return { ...manifest, metadata: { ...manifest.metadata, labels }, spec: { ...manifest.spec, template: { ...template, spec: { ...template.spec, volumes } } } } as Manifest
}

async function cleanNodes({ kubectl }: ClusterAtHand, deps: WaitDeps, { pluginDir, timeoutMs }: { readonly pluginDir: string; readonly timeoutMs: number }): Promise<void> {
  const args = ['apply', '--server-side', '--force-conflicts', `--field-manager=${FIELD_MANAGER}`, '--filename=-']
  await kubectl(args, { input: toYaml([uninstaller(pluginDir)]) })
  try {
    await waitForWorkloads(deps, { namespace: ADMIN_NAMESPACE, until: deps.clock.monotonic() + timeoutMs, inspect: (pods) => refusalOf(kubectl, pods) })
  } catch (error) {
    // It would go on trying, and take away the driver of whoever is installed here next.
    await dropAndWait(kubectl, ['daemonset', UNINSTALL, `--namespace=${ADMIN_NAMESPACE}`], timeoutMs)
    throw error
  }
}

async function refusalOf(kubectl: Kubectl, pods: readonly Pod[]): Promise<void> {
  const refused = pods.find(({ metadata, status }) => metadata.name.startsWith(UNINSTALL) && (status.initContainerStatuses?.[0]?.restartCount ?? 0) > 0)
  if (refused === undefined) return
  const line = await lastLineOf(kubectl, refused, stuckContainerOf(refused))
  throw new TrialError('TRIAL_VOLUMES_LEFT', `${refused.spec.nodeName ?? 'a node'} cannot be cleaned: ${line}; delete the pods that still have an identity, then try again`)
}
