/** The suite in the cluster, as the trial would install it, but for its ZTS: that one is the tests' own. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Cluster, load } from '@pallas/real-cluster'
import { type Manifest, type Material, render } from '@pallas/trial'
import type { ProgramName } from '@pallas/suite'
import { apply, kubectl } from '../kubectl.ts'
import { ACCOUNTS, ADMIN_NAMESPACE, NAMESPACES, PORT, ZTS } from './names.ts'
import { untilReady } from './replicas.ts'
import { loadWorkloadImage } from './workload-image.ts'

/** By their names: `npm run images` has made them. */
const IMAGES = ['athenz-identity-agent', 'athenz-jwt-service', 'athenz-callback', 'athenz-initializer', 'athenz-sia', 'athenz-control-sia'] as const
const PROGRAMS: readonly ProgramName[] = ['jwt-service', 'callback', 'initializer', 'identity-agent']

/** Once in a run of the tests, which `run` tells from others: a second try would only fail again, minutes later. */
export async function installOnce(cluster: Cluster, material: Material, run: string, how = install): Promise<void> {
  const known = outcomeIn(cluster)
  if (known?.run === run) {
    if (known.problem === undefined) return
    throw new Error(`the suite could not be installed, so nothing can be tested on it: ${known.problem}`)
  }
  try {
    await how(cluster, material)
    note(cluster, { run })
  } catch (error) {
    note(cluster, { run, problem: error instanceof Error ? error.message : String(error) })
    throw error
  }
}

interface Outcome {
  readonly run: string
  readonly problem?: string
}

const noteOf = ({ stateDirectory }: Cluster): string => join(stateDirectory, 'suite-installed.json')

/** How it went the last time, or undefined when it was uninstalled since. */
export const outcomeIn = (cluster: Cluster): Outcome | undefined =>
  existsSync(noteOf(cluster)) ? (JSON.parse(readFileSync(noteOf(cluster), 'utf8')) as Outcome) : undefined

const note = (cluster: Cluster, outcome: Outcome): void => writeFileSync(noteOf(cluster), JSON.stringify(outcome))
export const forgetInstall = (cluster: Cluster): void => rmSync(noteOf(cluster), { force: true })

/** Resolves when all of it is ready; its ZTS must answer already (`startZts`). */
export async function install(cluster: Cluster, material: Material): Promise<void> {
  await load(IMAGES)
  await loadWorkloadImage()
  await put(cluster, material)
}

/** The same, from images that the node has already. */
export async function put(cluster: Cluster, material: Material): Promise<void> {
  const { suite } = await render({ material, pluginDir: undefined, kubectl: (args, call) => kubectl(args, call?.input === undefined ? {} : { input: call.input }) })
  const manifests = [...suite.filter((it) => !isOfZts(it)).map(hurried), ...ztsHere(cluster), ...workloadPlaces()]
  const wasThere = await hasPrograms()
  if (wasThere) await removeTrialsZts()
  await apply(manifests.filter(isNamespace))
  await apply(manifests.filter((it) => !isNamespace(it)))
  await allReady({ anew: wasThere })
}

const hasPrograms = async (): Promise<boolean> =>
  (await kubectl(['get', 'deployments', `--namespace=${ADMIN_NAMESPACE}`, '--output=name'])).trim() !== ''

/** A trial may have been here: its ZTS must not answer under the name of ours. */
async function removeTrialsZts(): Promise<void> {
  await kubectl(['delete', 'deployment,service,endpointslice', ZTS, `--namespace=${ADMIN_NAMESPACE}`, '--ignore-not-found', '--timeout=60s'], { deadlineMs: 70_000 })
}

/** `anew`: an image of the same name may be another than the one that runs. */
async function allReady({ anew }: { readonly anew: boolean }): Promise<void> {
  if (anew) await kubectl(['rollout', 'restart', 'deployment,daemonset', `--namespace=${ADMIN_NAMESPACE}`])
  for (const kind of ['deployment', 'daemonset']) {
    const names = await kubectl(['get', kind, `--namespace=${ADMIN_NAMESPACE}`, '--output=name'])
    for (const name of names.split('\n').filter((it) => it !== '')) {
      await kubectl(['rollout', 'status', name, `--namespace=${ADMIN_NAMESPACE}`, '--timeout=180s'], { deadlineMs: 190_000 })
    }
  }
  await Promise.all(PROGRAMS.map((name) => untilReady(name)))
}

const isNamespace = ({ kind }: Manifest): boolean => kind === 'Namespace'
const isOfZts = ({ metadata: { name } }: Manifest): boolean => name === ZTS

interface Container {
  readonly args?: readonly string[]
  readonly readinessProbe?: object
}

interface Workload extends Manifest {
  readonly spec: { readonly template: { readonly spec: { readonly containers: readonly Container[] } } }
}

/** Refreshers in tests renew every second, and the agent lets them; changed templates are seen at once. */
const HURRY: Readonly<Record<string, readonly string[]>> = {
  'DaemonSet athenz-identity-agent': ['--issue-interval=1s'],
  'Deployment athenz-initializer': ['--sync-interval=1s'],
}

/** And that a server is ready is seen at once, for servers come and go in tests all the time. */
function hurried(manifest: Manifest): Manifest {
  if (manifest.kind !== 'Deployment' && manifest.kind !== 'DaemonSet') return manifest
  const more = HURRY[`${manifest.kind} ${manifest.metadata.name}`] ?? []
  const { spec, ...rest } = manifest as Workload
  const containers = spec.template.spec.containers.map((it) => ({
    ...it,
    ...(more.length === 0 ? {} : { args: [...(it.args ?? []), ...more] }),
    ...(it.readinessProbe === undefined ? {} : { readinessProbe: { ...it.readinessProbe, periodSeconds: 1 } }),
  }))
  const hurry: Workload = { ...rest, spec: { ...spec, template: { ...spec.template, spec: { ...spec.template.spec, containers } } } }
  return hurry
}

/** Its name leads to the node, where the tests' own ZTS listens. */
const ztsHere = ({ nodeAddress }: Cluster): Manifest[] => {
  const metadata = { name: ZTS, namespace: ADMIN_NAMESPACE }
  const ports = [{ name: 'https', port: PORT, protocol: 'TCP' }]
  const service = { apiVersion: 'v1', kind: 'Service', metadata, spec: { clusterIP: 'None', ports } }
  const slice = {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { ...metadata, labels: { 'kubernetes.io/service-name': ZTS } },
    addressType: 'IPv4',
    ports,
    endpoints: [{ addresses: [nodeAddress], conditions: { ready: true } }],
  }
  return [service, slice]
}

/** Where workloads of the tests live, and who they are. */
export const workloadPlaces = (): Manifest[] =>
  NAMESPACES.flatMap((namespace) => [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
    ...ACCOUNTS.map((name) => ({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace } })),
  ])
