/** `npm start -- pod …`: creates a pod in the sandbox that is up, and tells how it fared. */
import { readFileSync } from 'node:fs'
import { createKubeApi, isKubernetesError, type KubeApi, pathOf, PODS } from '@pallas/kubernetes'
import { type Beacon, findBeacon } from './beacon.ts'
import type { Command } from './command.ts'
import { serveCommand } from './demo.ts'
import type { PodName } from './kubelet/kubelet.ts'
import type { PodObject } from './kubelet/objects.ts'
import { hasEnded, isRunning, phase } from './pod-control.ts'
import { podManifest } from './pods.ts'

type Say = (line: string) => void

const PATIENCE_MS = 15_000
const POLL_MS = 50

/** Exit code: 0 when the pod has its identity. */
export async function launchPod(request: Extract<Command, { kind: 'pod' }>, say: Say): Promise<number> {
  const beacon = findBeacon()
  if (beacon === undefined) {
    say('no sandbox is up: run `npm start` in another terminal first')
    return 1
  }
  await using api = createKubeApi({ server: new URL(beacon.apiServer), ca: beacon.ca, token: async () => beacon.token })
  const { namespace, name, serviceAccount } = request
  const command = request.command.length === 0 ? serveCommand : request.command
  try {
    await api.create(pathOf(PODS, { namespace }), podManifest({ namespace, name, serviceAccount, command, restartPolicy: 'Never' }))
    return tellOutcome(await settled(api, request), beacon, say)
  } catch (error) {
    if (!isKubernetesError(error)) throw error
    const { detail } = error.fields
    say(typeof detail === 'string' ? `the API server refused: ${detail}` : `${error.message} (${error.code}); is the sandbox still up?`)
    return 1
  }
}

/** Its containers run or have ended, or our patience is over. */
async function settled(api: KubeApi, pod: PodName): Promise<PodObject> {
  const giveUpAt = performance.now() + PATIENCE_MS
  for (;;) {
    const seen = (await api.get(pathOf(PODS, pod))) as unknown as PodObject
    if (isRunning(seen) || hasEnded(seen) || performance.now() > giveUpAt) return seen
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
}

function tellOutcome(pod: PodObject, { kubeletRoot, logs }: Beacon, say: Say): number {
  const { namespace, name, uid } = pod.metadata
  const log = (container: string): string => `${logs}/${namespace}_${name}_${container}.log`
  const exitCode = exitOf(pod, 'sia-init')
  if (exitCode === 0) {
    say(`pod ${namespace}/${name} has its identity and is ${String(phase(pod))}`)
    if (!hasEnded(pod)) say(`  files  ${kubeletRoot}/pods/${uid}/volumes/kubernetes.io~empty-dir/{tlscerts,ntoken}`)
    say(`  logs   ${log('{sia-init,sia-refresh,main}')}`)
    return 0
  }
  const how = exitCode === undefined ? `still has no identity after ${PATIENCE_MS / 1_000} s` : `gets no identity (sia-init ended with ${exitCode})`
  say(`pod ${namespace}/${name} ${how}`)
  say(`  why    ${lastLineOf(log('sia-init'))}`)
  say(`  log    ${log('sia-init')}`)
  return 1
}

interface ContainerReport {
  readonly name: string
  readonly state: { readonly terminated?: { readonly exitCode: number } }
}

function exitOf({ status }: PodObject, container: string): number | undefined {
  const reports = (status?.['initContainerStatuses'] ?? []) as readonly ContainerReport[]
  return reports.find(({ name }) => name === container)?.state.terminated?.exitCode
}

function lastLineOf(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim().split('\n').at(-1) ?? ''
  } catch {
    return 'it has said nothing yet'
  }
}
