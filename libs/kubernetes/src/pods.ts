/** Pods as the API server or a kubelet shows them, reduced to `Pod`. */
import { isIP } from 'node:net'
import type { Pod, PodPhase } from '@pallas/identity'
import { type KubeApi, type Selectors, selectorsOf } from './api.ts'
import { isKubernetesError, KubernetesError } from './error.ts'
import { fieldsOf, isObject } from './json.ts'
import { pathOf, PODS } from './resources.ts'

const PHASES: ReadonlySet<string> = new Set<PodPhase>(['Pending', 'Running', 'Succeeded', 'Failed', 'Unknown'])
const LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/
const SUBDOMAIN = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/
const UID = /^[0-9A-Za-z-]{1,128}$/

/** Throws `KUBE_BAD_ANSWER`, `fields.path` naming the field, for anything that is no v1 Pod with a UID. */
export function podOf(object: unknown): Pod {
  if (!isObject(object)) return wrong('')
  const root = fieldsOf(object, '', wrong)
  if (root.text('kind', 'Pod') !== 'Pod') return wrong('kind')
  if (!isObject(object['spec'])) return wrong('spec')
  const metadata = fieldsOf(root.object('metadata'), 'metadata', wrong)
  const spec = fieldsOf(root.object('spec'), 'spec', wrong)
  const status = fieldsOf(root.object('status'), 'status', wrong)
  return {
    namespace: matching(LABEL, metadata.text('namespace'), 'metadata.namespace'),
    name: matching(SUBDOMAIN, metadata.text('name'), 'metadata.name'),
    uid: matching(UID, metadata.text('uid'), 'metadata.uid'),
    serviceAccount: matching(SUBDOMAIN, spec.text('serviceAccountName', 'default'), 'spec.serviceAccountName'),
    node: spec.text('nodeName'),
    ip: addressOf(status.text('podIP')),
    hostNetwork: spec.flag('hostNetwork'),
    phase: phaseOf(status.text('phase', 'Pending')),
    deleting: metadata.text('deletionTimestamp') !== '',
    annotations: { ...metadata.textMap('annotations') },
  }
}

/** Told of an item of a list that is no pod; `pod` is its `<namespace>/<name>`, or empty when it has none. */
export type OnMalformed = (error: unknown, pod: string) => void

/** Undefined when there is no such pod. */
export async function getPod(
  api: Pick<KubeApi, 'get'>,
  { namespace, name }: { readonly namespace: string; readonly name: string },
  signal?: AbortSignal,
): Promise<Pod | undefined> {
  try {
    return podOf(await api.get(pathOf(PODS, { namespace, name }), signal))
  } catch (error) {
    if (isKubernetesError(error, 'KUBE_NOT_FOUND')) return undefined
    throw error
  }
}

export interface ListPodsOptions extends Selectors {
  /** All namespaces when absent. */
  readonly namespace?: string
  /** Pods per call. */
  readonly pageSize?: number
  /** More pods than this is `KUBE_BAD_ANSWER`; by default as many as a cluster may have. */
  readonly maxPods?: number
  /** Told of an item that is no pod, which is then left out; without it the first such item fails the whole list. */
  readonly onMalformed?: OnMalformed
}

/** What one cluster of Kubernetes is made for. */
const MOST_PODS = 150_000

/** All pages of one consistent list. */
export async function listPods(
  api: Pick<KubeApi, 'list'>,
  options: ListPodsOptions = {},
  signal?: AbortSignal,
): Promise<{ readonly pods: readonly Pod[]; readonly resourceVersion: string }> {
  const { namespace, pageSize = 500, maxPods = MOST_PODS, onMalformed } = options
  const query = { ...selectorsOf(options), limit: pageSize }
  const path = pathOf(PODS, namespace === undefined ? {} : { namespace })
  const pods: Pod[] = []
  for (let more: string | undefined; ;) {
    const page = await api.list(path, more === undefined ? query : { ...query, continue: more }, signal)
    for (const item of page.items) pods.push(...readable(item, onMalformed))
    if (pods.length > maxPods) throw new KubernetesError('KUBE_BAD_ANSWER', 'too many pods', { fields: { maxPods } })
    if (page.continue === undefined) return { pods, resourceVersion: page.resourceVersion }
    more = page.continue
  }
}

/** The pod in `item`, or nothing when `onMalformed` took the error. */
export function readable(item: unknown, onMalformed: OnMalformed | undefined): Pod[] {
  try {
    return [podOf(item)]
  } catch (error) {
    if (onMalformed === undefined) throw error
    onMalformed(error, shownName(item))
    return []
  }
}

function shownName(item: unknown): string {
  const metadata = isObject(item) && isObject(item['metadata']) ? item['metadata'] : {}
  const { namespace, name } = metadata
  if (typeof namespace !== 'string' || typeof name !== 'string') return ''
  return LABEL.test(namespace) && SUBDOMAIN.test(name) ? `${namespace}/${name}` : ''
}

const matching = (form: RegExp, text: string, path: string): string => (form.test(text) ? text : wrong(path))

const addressOf = (text: string): string => (text === '' || isIP(text) !== 0 ? text : wrong('status.podIP'))

/** A phase of a later version says no more than that the pod is there. */
const phaseOf = (text: string): PodPhase => (PHASES.has(text) ? (text as PodPhase) : 'Unknown')

function wrong(path: string): never {
  throw new KubernetesError('KUBE_BAD_ANSWER', 'not a pod', { fields: { path } })
}
