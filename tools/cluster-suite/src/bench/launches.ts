/** Pods that do nothing, with an identity and without, and how long the kubelet took to make them ready. */
import { NODES, pathOf, PODS } from '@pallas/kubernetes'
import { createPod, type PodObject, type PodRequest, request } from '@pallas/suite'
import type { BenchContext } from './bench.ts'

export type Kind = 'with identity' | 'without identity' | 'idle containers instead'

export interface Launch {
  readonly pod: PodObject
  /** Milliseconds until the API server had answered, its webhooks included. */
  readonly answeredMs: number
  /** From the same moment, before the request was sent, to the event that showed the pod ready. */
  readonly readyMs: number
}

type Here = Pick<BenchContext, 'world' | 'times'>

const READY_MS = 600_000
const GONE_MS = 300_000

/** A shell that ends when it is told to: as the first process of a container, `sleep` would not. */
const IDLE = ['/bin/sh', '-c', 'trap "exit 0" TERM; sleep 1000000 & wait']

/** The same application in each; an identity brings an init container and a sidecar, and so do those that do nothing. */
export function podOf({ world }: Pick<BenchContext, 'world'>, kind: Kind, name: string): PodRequest {
  const { image } = world.workloads
  const idle = [
    { name: 'init', image, command: ['/bin/true'] },
    { name: 'sidecar', image, command: IDLE, restartPolicy: 'Always' },
  ]
  const spec = kind === 'idle containers instead' ? { initContainers: idle } : {}
  return request(world, name, { command: IDLE, identity: kind === 'with identity', spec })
}

export async function launch(here: Here, kind: Kind, name: string): Promise<Launch> {
  const start = performance.now()
  const pod = await createPod(here.world, podOf(here, kind, name))
  const answeredMs = performance.now() - start
  return { pod, answeredMs, readyMs: (await here.times.ready(pod.metadata.uid, READY_MS)) - start }
}

/** Resolves when it is gone, its volumes included. */
export async function end({ world, times }: Here, { metadata }: PodObject): Promise<void> {
  await world.api.delete(pathOf(PODS, metadata))
  await times.gone(metadata.uid, GONE_MS)
}

interface NodeStatus {
  readonly allocatable: { readonly pods: string }
}

/** How many pods the node would still take, and what it is called. */
export async function roomOf({ world }: Pick<BenchContext, 'world'>): Promise<{ readonly nodeName: string; readonly room: number }> {
  const [node] = (await world.api.list(pathOf(NODES))).items
  const { items } = await world.api.list(pathOf(PODS))
  const most = Number((node?.['status'] as NodeStatus | undefined)?.allocatable.pods)
  return { nodeName: String(node?.metadata['name']), room: most - items.length }
}

/** What the notes of figures must say when it is so. */
export const gapNotes = ({ times }: Pick<BenchContext, 'times'>): readonly string[] =>
  times.gaps() === 0 ? [] : [`the watch broke off ${times.gaps()} times: some of the times are too long`]
