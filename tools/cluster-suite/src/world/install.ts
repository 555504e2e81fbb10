/** The suite in the cluster, as the trial would install it, but for its ZTS: that one is the tests' own. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { REPOSITORY } from '@pallas/build'
import { type Cluster, load } from '@pallas/real-cluster'
import { type Manifest, type Material, render } from '@pallas/trial'
import type { ProgramName } from '@pallas/suite'
import { apply, kubectl } from '../kubectl.ts'
import { ACCOUNTS, ADMIN_NAMESPACE, NAMESPACES, PORT, ZTS } from './names.ts'
import { untilReady } from './replicas.ts'
import { loadWorkloadImage } from './workload-image.ts'

/** What `npm run images` has made. */
const IMAGES = ['athenz-identity-agent', 'athenz-jwt-service', 'athenz-callback', 'athenz-initializer', 'athenz-sia', 'athenz-control-sia'] as const
const PROGRAMS: readonly ProgramName[] = ['jwt-service', 'callback', 'initializer', 'identity-agent']

/** Once in a run of the tests; ZTS must be there already. `run` tells one run from another. */
export async function installOnce(cluster: Cluster, material: Material, run: string): Promise<void> {
  const mark = join(cluster.stateDirectory, 'suite-installed')
  if (existsSync(mark) && readFileSync(mark, 'utf8') === run) return
  await loadImages()
  const { suite } = await render({ material, pluginDir: undefined, kubectl: (args, call) => kubectl(args, call?.input === undefined ? {} : { input: call.input }) })
  const manifests = [...suite.filter((it) => !isOfZts(it)).map(hurried), ...ztsHere(cluster), ...workloadPlaces()]
  await removeTrialsZts()
  await apply(manifests.filter(isNamespace))
  await apply(manifests.filter((it) => !isNamespace(it)))
  await restartAll()
  writeFileSync(mark, run)
}

/** A trial may have been here: its ZTS must not answer under the name of ours. */
async function removeTrialsZts(): Promise<void> {
  await kubectl(['delete', 'deployment,service,endpointslice', ZTS, `--namespace=${ADMIN_NAMESPACE}`, '--ignore-not-found', '--timeout=60s'], { deadlineMs: 70_000 })
}

async function loadImages(): Promise<void> {
  const missing = IMAGES.filter((name) => !existsSync(join(REPOSITORY, 'build/images', `${name}.tar`)))
  if (missing.length > 0) throw new Error(`there is no image of ${missing.join(', ')}: run \`npm run build:static && npm run images\``)
  await load(IMAGES)
  await loadWorkloadImage()
}

/** An image of the same name may be another than the one that runs. */
async function restartAll(): Promise<void> {
  await kubectl(['rollout', 'restart', 'deployment,daemonset', `--namespace=${ADMIN_NAMESPACE}`])
  for (const kind of ['deployment', 'daemonset']) {
    const names = await kubectl(['get', kind, `--namespace=${ADMIN_NAMESPACE}`, '--output=name'])
    for (const name of names.split('\n').filter((it) => it !== '')) {
      await kubectl(['rollout', 'status', name, `--namespace=${ADMIN_NAMESPACE}`, '--timeout=180s'], { deadlineMs: 190_000 })
    }
  }
  await Promise.all(PROGRAMS.map(untilReady))
}

const isNamespace = ({ kind }: Manifest): boolean => kind === 'Namespace'
const isOfZts = ({ metadata: { name } }: Manifest): boolean => name === ZTS

interface Workload extends Manifest {
  readonly spec: { readonly template: { readonly spec: { readonly containers: readonly { readonly args?: readonly string[] }[] } } }
}

/** Refreshers in tests renew every second, and the agent lets them. */
function hurried(manifest: Manifest): Manifest {
  if (manifest.kind !== 'DaemonSet') return manifest
  const { spec, ...rest } = manifest as Workload
  const containers = spec.template.spec.containers.map((it) => ({ ...it, args: [...(it.args ?? []), '--issue-interval=1s'] }))
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

const workloadPlaces = (): Manifest[] =>
  NAMESPACES.flatMap((namespace) => [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
    ...ACCOUNTS.map((name) => ({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace } })),
  ])
