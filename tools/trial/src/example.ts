/** What can go wrong between a pod that asks for an identity and its identity, each told apart. */
import { TrialError } from './error.ts'
import type { Kubectl } from './kubectl.ts'
import { EXAMPLE } from './names.ts'
import { lastLineOf, type WaitDeps, waitForWorkloads } from './wait.ts'
import { type Pod, statesOf } from './workloads.ts'

const INIT = 'sia-init'

interface Event {
  readonly metadata: { readonly uid: string }
  readonly reason: string
  readonly message: string
  readonly count?: number
}

/** How often a kubelet may say so again: one that has just been given a driver may not know it yet. */
const PATIENCE_WITH_MOUNTS = 2

export async function waitForExample(deps: WaitDeps, { until, pluginDir }: { readonly until: number; readonly pluginDir: string }): Promise<readonly Pod[]> {
  try {
    return await waitForWorkloads(deps, { namespace: EXAMPLE.namespace, until, inspect: createInspection(deps.kubectl, pluginDir) })
  } catch (error) {
    if (!(error instanceof TrialError) || error.code !== 'TRIAL_NOT_READY') throw error
    throw await whyNoIdentity(deps.kubectl, error)
  }
}

/** Throws when no waiting helps. Exported for its tests. */
export function createInspection(kubectl: Kubectl, pluginDir: string): (pods: readonly Pod[]) => Promise<void> {
  // Of an earlier trial there may be Events still: only what is said again counts.
  const before = new Map<string, number>()
  return async (pods) => {
    const plain = pods.find(({ spec }) => !(spec.initContainers ?? []).some(({ name }) => name === INIT))
    if (plain !== undefined) throw notInjected(plain)
    const waiting = pods.filter((pod) => statesOf(pod).every(({ state }) => state?.waiting !== undefined))
    if (waiting.length === 0) return
    for (const { metadata, reason, message, count = 1 } of await eventsOf(kubectl)) {
      if (reason !== 'FailedMount' || !message.includes('no volume plugin matched')) continue
      if (!before.has(metadata.uid)) before.set(metadata.uid, count)
      if (count - (before.get(metadata.uid) ?? count) >= PATIENCE_WITH_MOUNTS) throw noDriver(pluginDir)
    }
  }
}

function notInjected({ metadata }: Pod): TrialError {
  const ask = 'kubectl get mutatingwebhookconfigurations athenz-initializer -o yaml'
  return new TrialError('TRIAL_NOT_INJECTED', `${metadata.name} came into being without ${INIT}: the API server did not ask the initializer; see \`${ask}\``)
}

const noDriver = (pluginDir: string): TrialError =>
  new TrialError('TRIAL_DRIVER_MISSING', `the kubelet finds no volume driver: it does not look into ${pluginDir}; say with --plugin-dir where it does (its setting volumePluginDir)`)

async function eventsOf(kubectl: Kubectl): Promise<readonly Event[]> {
  const text = await kubectl(['get', 'events', `--namespace=${EXAMPLE.namespace}`, '--output=json'])
  return (JSON.parse(text) as { readonly items: readonly Event[] }).items
}

/** The SIA says by its reason code why there is none; otherwise the error as it was. */
async function whyNoIdentity(kubectl: Kubectl, error: TrialError): Promise<TrialError> {
  const text = await kubectl(['get', 'pods', `--namespace=${EXAMPLE.namespace}`, '--output=json'])
  const stuck = (JSON.parse(text) as { readonly items: readonly Pod[] }).items.find((pod) =>
    statesOf(pod).some(({ name, ready, state }) => name === INIT && !ready && state?.waiting?.reason !== 'PodInitializing'),
  )
  if (stuck === undefined) return error
  const line = await lastLineOf(kubectl, stuck, INIT)
  return line === '' ? error : new TrialError('TRIAL_NO_IDENTITY', `${stuck.metadata.name} gets no identity; ${INIT} says: ${line}`, error)
}
