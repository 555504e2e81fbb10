/** What a user does with pods: create, wait, delete, and read what they left. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type KubeObject, pathOf, PODS } from '@pallas/kubernetes'
import type { Cluster } from './cluster.ts'
import type { PodName } from './kubelet/kubelet.ts'
import type { PodObject } from './kubelet/objects.ts'
import { type PodRequest, podManifest } from './pods.ts'

type Parts = Pick<Cluster, 'admin' | 'state' | 'node'>

const POLL_MS = 20
/** On a machine that is busy with much else. */
const DEADLINE_MS = 45_000

export async function createPod({ admin }: Parts, request: PodRequest | { readonly manifest: object; readonly namespace: string }): Promise<PodObject> {
  const manifest = 'manifest' in request ? request.manifest : podManifest(request)
  return asPod(await admin.create(pathOf(PODS, { namespace: request.namespace }), manifest))
}

/** Polls the API server until the pod is as wanted; throws with what the pod looked like when the deadline has passed. */
export async function waitForPod(
  { admin }: Parts,
  { namespace, name }: PodName,
  wanted: (pod: PodObject) => boolean,
  deadlineMs: number = DEADLINE_MS,
): Promise<PodObject> {
  const giveUpAt = performance.now() + deadlineMs
  for (;;) {
    const pod = asPod(await admin.get(pathOf(PODS, { namespace, name })))
    if (wanted(pod)) return pod
    if (performance.now() > giveUpAt) throw new Error(`pod ${namespace}/${name} is not as wanted in time: ${JSON.stringify(pod.status)}`)
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
}

export async function deletePod({ admin, node }: Parts, { namespace, name }: PodName): Promise<void> {
  await admin.delete(pathOf(PODS, { namespace, name }))
  const giveUpAt = performance.now() + DEADLINE_MS
  while (node.kubelet.pods().some(({ metadata }) => metadata.namespace === namespace && metadata.name === name)) {
    if (performance.now() > giveUpAt) throw new Error(`pod ${namespace}/${name} is not gone in time`)
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
}

export const phase = (pod: PodObject): unknown => pod.status?.['phase']
export const isRunning = (pod: PodObject): boolean => phase(pod) === 'Running'
export const hasEnded = (pod: PodObject): boolean => phase(pod) === 'Succeeded' || phase(pod) === 'Failed'

export function podIp(pod: PodObject): string {
  const ip = pod.status?.['podIP']
  return typeof ip === 'string' ? ip : ''
}

export const logOf = ({ state }: Parts, { namespace, name }: PodName, container: string): Promise<string> =>
  readFile(join(state.logs, `${namespace}_${name}_${container}.log`), 'utf8')

/** Waits until a container has said this: the nearest thing to a readiness probe that a process without one has. */
export async function waitForLog(parts: Parts, pod: PodName, container: string, text: string): Promise<void> {
  const giveUpAt = performance.now() + DEADLINE_MS
  for (;;) {
    const log = await logOf(parts, pod, container).catch(() => '')
    if (log.includes(text)) return
    if (performance.now() > giveUpAt) throw new Error(`${pod.namespace}/${pod.name} has not said "${text}" in time; it said:\n${log}`)
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
}

/** Host path of one of a pod's volumes. */
export function volumePath({ node }: Parts, pod: PodObject, volumeName: string): string {
  const volume = pod.spec.volumes?.find(({ name }) => name === volumeName)
  if (volume === undefined) throw new Error(`the pod has no volume ${volumeName}`)
  return node.volumes.pathOf(pod, volume)
}

/** The handle in the pod's identity volume: what an attacker would have to steal. */
export const handleOf = (parts: Parts, pod: PodObject, volumeName = 'sia-identity'): Promise<string> =>
  readFile(join(volumePath(parts, pod, volumeName), 'id'), 'utf8')

const asPod = (object: KubeObject): PodObject => object as unknown as PodObject
