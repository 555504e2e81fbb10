/** A `PodList` read while it comes: what is held at a time is one item and the pods so far. */
import type { Pod } from '@pallas/identity'
import { KubernetesError } from './error.ts'
import { createListScanner } from './list-scanner.ts'
import { type OnMalformed, readable } from './pods.ts'

export interface PodListOptions {
  /** Told of an item that is no pod, or too long to be read: it is left out, and costs nobody else. */
  readonly onMalformed: OnMalformed
  readonly maxItemBytes?: number
  /** Keys of the annotations that are kept; without them all are. */
  readonly annotations?: readonly string[]
}

/**
 * What etcd stores of an object is at most 1.5 MiB. In JSON that can be six times as much, where each character is one that
 * has to be escaped; of an honest pod it is not.
 */
const ITEM_BYTES = 4 * 1_024 * 1_024

/**
 * Every pod of the list. Throws `KUBE_BAD_ANSWER` for what is no `PodList`, and where nothing in it is a pod: an empty answer
 * would mean that all have ended. However much there is of it, it is read: the deadline is the caller's.
 */
export async function readPods(chunks: AsyncIterable<Uint8Array>, options: PodListOptions): Promise<readonly Pod[]> {
  const { onMalformed, maxItemBytes = ITEM_BYTES, annotations: kept } = options
  const pods: Pod[] = []
  const scanner = createListScanner({
    maxItemBytes,
    onItem: (item) => pods.push(...readable(item, onMalformed).map((pod) => (kept === undefined ? pod : withOnly(pod, kept)))),
    onTooLarge: (head) => onMalformed(notAPod('too large'), nameIn(head)),
  })
  for await (const chunk of chunks) scanner.push(chunk)
  const { kind, items = null } = scanner.end()
  if (kind !== 'PodList') throw notAPod('kind')
  if (items !== null && !Array.isArray(items)) throw notAPod('items')
  if (pods.length === 0 && items !== null && items.length > 0) throw notAPod('items')
  return pods
}

const withOnly = (pod: Pod, kept: readonly string[]): Pod => ({
  ...pod,
  annotations: Object.fromEntries(Object.entries(pod.annotations).filter(([key]) => kept.includes(key))),
})

/** As the kubelet writes a pod: whatever comes before the namespace is of the API server's choosing or checked by it. */
const BEGINNING = /^\{"metadata":\{"name":"([a-z0-9.-]{1,253})",(?:"generateName":"[a-z0-9.-]*",)?"namespace":"([a-z0-9-]{1,63})"/

function nameIn(head: string): string {
  const [, name, namespace] = BEGINNING.exec(head) ?? []
  return name === undefined || namespace === undefined ? '' : `${namespace}/${name}`
}

const notAPod = (path: string) => new KubernetesError('KUBE_BAD_ANSWER', 'not a list of pods', { fields: { path } })
