/** What can go wrong between a pod that asks for an identity and its identity, each told apart. */
import { TrialError } from './error.ts'
import type { Kubectl } from './kubectl.ts'
import { EXAMPLE } from './names.ts'
import { lastLineOf, type WaitDeps, waitForWorkloads } from './wait.ts'
import { type Pod, statesOf } from './workloads.ts'

const INIT = 'sia-init'

interface Event {
  readonly reason: string
  readonly message: string
  readonly count?: number
}

/** A kubelet that has just been given a driver may not know it yet. */
const PATIENCE_WITH_MOUNTS = 3

export async function waitForExample(deps: WaitDeps, { until, pluginDir }: { readonly until: number; readonly pluginDir: string }): Promise<readonly Pod[]> {
  try {
    return await waitForWorkloads(deps, { namespace: EXAMPLE.namespace, until, inspect: (pods) => inspect(deps.kubectl, pods, pluginDir) })
  } catch (error) {
    if (!(error instanceof TrialError) || error.code !== 'TRIAL_NOT_READY') throw error
    throw await whyNoIdentity(deps.kubectl, error)
  }
}

async function inspect(kubectl: Kubectl, pods: readonly Pod[], pluginDir: string): Promise<void> {
  const plain = pods.find(({ spec }) => !(spec.initContainers ?? []).some(({ name }) => name === INIT))
  if (plain !== undefined) {
    const ask = 'kubectl get mutatingwebhookconfigurations athenz-initializer -o yaml'
    throw new TrialError('TRIAL_NOT_INJECTED', `${plain.metadata.name} came into being without ${INIT}: the API server did not ask the initializer; see \`${ask}\``)
  }
  const waiting = pods.filter((pod) => statesOf(pod).every(({ state }) => state?.waiting !== undefined))
  if (waiting.length === 0) return
  const events = await eventsOf(kubectl)
  const mounts = events.filter(({ reason, message, count = 1 }) => reason === 'FailedMount' && /no volume plugin matched/.test(message) && count >= PATIENCE_WITH_MOUNTS)
  if (mounts.length === 0) return
  throw new TrialError('TRIAL_DRIVER_MISSING', `the kubelet finds no volume driver: it does not look into ${pluginDir}; say with --plugin-dir where it does (its setting volumePluginDir)`)
}

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
