/** What an earlier trial left in the cluster: its keys, so that pods which run keep an authority that everybody trusts. */
import { TrialError } from './error.ts'
import type { Kubectl } from './kubectl.ts'
import { CONFIG_MAPS, type Files, type Material, SECRETS } from './material.ts'
import { ADMIN_NAMESPACE, EXAMPLE, LABEL, LEASES_NAMESPACE, ZTS } from './names.ts'

interface Holder {
  readonly metadata: { readonly labels?: Readonly<Record<string, string>> }
  readonly data?: Files
}

/** Undefined unless all of it is there, as a trial made it. */
export async function existingMaterial(kubectl: Kubectl): Promise<Material | undefined> {
  const secrets = await readAll(kubectl, 'secret', SECRETS)
  const configMaps = await readAll(kubectl, 'configmap', CONFIG_MAPS)
  if (secrets === undefined || configMaps === undefined) return undefined
  return { secrets: mapFiles(secrets, (text) => Buffer.from(text, 'base64').toString('utf8')), configMaps }
}

async function readAll<N extends string>(kubectl: Kubectl, kind: string, names: readonly N[]): Promise<Record<N, Files> | undefined> {
  const found = {} as Record<N, Files>
  for (const name of names) {
    const holder = await get<Holder>(kubectl, kind, name)
    if (holder?.data === undefined || holder.metadata.labels?.[LABEL.key] !== LABEL.value) return undefined
    found[name] = holder.data
  }
  return found
}

function mapFiles<N extends string>(all: Record<N, Files>, change: (text: string) => string): Record<N, Files> {
  const entries = Object.entries<Files>(all).map(([name, files]) => [
    name,
    Object.fromEntries(Object.entries(files).map(([file, text]) => [file, change(text)])),
  ])
  return Object.fromEntries(entries) as Record<N, Files>
}

/** What a suite is known by, whoever put it there: each of them would be taken over by an apply, or go with a delete. */
const SIGNS: readonly (readonly [kind: string, name: string])[] = [
  ['namespace', ADMIN_NAMESPACE],
  ['namespace', LEASES_NAMESPACE],
  ['namespace', EXAMPLE.namespace],
  ['mutatingwebhookconfiguration', 'athenz-initializer'],
  ['clusterrole', 'athenz-identity-agent'],
  ['daemonset', 'athenz-identity-agent'],
  ...SECRETS.map((name) => ['secret', name] as const),
  ...CONFIG_MAPS.map((name) => ['configmap', name] as const),
]

/** Throws `TRIAL_OCCUPIED` where there is a suite already that no trial has made: its keys and its driver are not ours to touch. */
export async function refuseOccupied(kubectl: Kubectl): Promise<void> {
  const found = await Promise.all(SIGNS.map(async ([kind, name]) => ({ kind, name, holder: await get<Holder>(kubectl, kind, name) })))
  const foreign = found.find(({ holder }) => holder !== undefined && holder.metadata.labels?.[LABEL.key] !== LABEL.value)
  if (foreign === undefined) return
  throw new TrialError('TRIAL_OCCUPIED', `this cluster has a ${foreign.kind} ${foreign.name} that is not of a trial: it would be overwritten, so take another cluster`)
}

/**
 * Throws `TRIAL_OCCUPIED` where the tests on a real cluster have left their suite. It is a trial's but for its ZTS: addresses that they
 * wrote for its name stay beside those of the trial's own, and every second question would go to nobody.
 */
export async function refuseSuiteOfTests(kubectl: Kubectl): Promise<void> {
  if ((await get<Holder>(kubectl, 'endpointslice', ZTS)) === undefined) return
  throw new TrialError('TRIAL_OCCUPIED', 'the tests have left their suite in this cluster, with a ZTS that a trial cannot use: npm run trial -- --delete takes it away')
}

interface AgentSet {
  readonly spec: { readonly template: { readonly spec: { readonly volumes: readonly { readonly name: string; readonly hostPath?: { readonly path: string } }[] } } }
}

/** Where the agents of this cluster put the driver; undefined when there are none. */
export async function existingPluginDir(kubectl: Kubectl): Promise<string | undefined> {
  const agents = await get<AgentSet>(kubectl, 'daemonset', 'athenz-identity-agent')
  return agents?.spec.template.spec.volumes.find(({ name }) => name === 'driver-dir')?.hostPath?.path
}

async function get<T>(kubectl: Kubectl, kind: string, name: string): Promise<T | undefined> {
  const text = await kubectl(['get', kind, name, `--namespace=${ADMIN_NAMESPACE}`, '--output=json', '--ignore-not-found'])
  return text.trim() === '' ? undefined : (JSON.parse(text) as T)
}
