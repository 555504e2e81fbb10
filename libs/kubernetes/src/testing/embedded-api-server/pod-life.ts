/** The life of a pod as the control plane sees it: bound to a node, then terminated by that node's kubelet. */
import { NODES, PODS, SERVICE_ACCOUNTS } from '../../resources.ts'
import { formatTime } from '../../times.ts'
import type { ApiContext } from './context.ts'
import { admitServiceAccount, defaultPod } from './defaults.ts'
import { conflict, forbidden, notFound } from './failure.ts'
import { type Json, objectAt, objectsAt, peekAt, type StoredObject, textAt } from './object.ts'
import type { ObjectKey } from './store.ts'

/** Defaults and the ServiceAccount admission, in place; throws 403 when the account does not exist. */
export function settlePod({ store, clock }: Pick<ApiContext, 'store' | 'clock'>, pod: Json, namespace: string): void {
  defaultPod(pod)
  const spec = peekAt(pod, 'spec')
  const name = textAt(spec, 'serviceAccountName') || 'default'
  const account = store.find(SERVICE_ACCOUNTS, { namespace, name })
  if (account === undefined) {
    const why = `error looking up service account ${namespace}/${name}: serviceaccount "${name}" not found`
    throw forbidden(PODS, textAt(peekAt(pod, 'metadata'), 'name'), why)
  }
  admitServiceAccount(pod, account['automountServiceAccountToken'] !== false, () => clock.random())
}

/** What a new pod's status is, whatever its maker said. */
export function startPod(pod: Json): void {
  const metadata = objectAt(pod, 'metadata')
  metadata['generation'] = 1
  pod['status'] = { phase: 'Pending', qosClass: 'BestEffort' }
}

/** Binds it; throws 409 when it has a node already. */
export function bindPod({ store, clock }: Pick<ApiContext, 'store' | 'clock'>, key: ObjectKey, node: string): void {
  const pod = store.get(PODS, key)
  const spec = objectAt(pod, 'spec')
  const bound = textAt(spec, 'nodeName')
  if (bound !== '')
    throw conflict(
      { ...PODS, plural: 'pods/binding' },
      key.name,
      `pod ${key.name} is already assigned to node "${bound}"`,
    )
  if (store.find(NODES, { namespace: undefined, name: node }) === undefined) throw notFound(NODES, node)
  spec['nodeName'] = node
  const condition = {
    type: 'PodScheduled',
    status: 'True',
    lastProbeTime: null,
    lastTransitionTime: formatTime(clock.now()),
  }
  const status = objectAt(pod, 'status')
  status['conditions'] = [...objectsAt(status, 'conditions'), condition]
  store.update(PODS, pod)
}

/** The whole scheduler: the node that its selector allows and that has the fewest pods. */
export function schedulePod(context: ApiContext, key: ObjectKey): void {
  const { store } = context
  const pod = store.find(PODS, key)
  if (pod === undefined || textAt(peekAt(pod, 'spec'), 'nodeName') !== '') return
  if (textAt(peekAt(pod, 'spec'), 'schedulerName') !== 'default-scheduler') return
  const wanted = Object.entries(peekAt(peekAt(pod, 'spec'), 'nodeSelector'))
  const load = Map.groupBy(store.list(PODS), (it) => textAt(peekAt(it, 'spec'), 'nodeName'))
  const [node] = store
    .list(NODES)
    .filter(({ metadata }) => wanted.every(([label, value]) => metadata.labels?.[label] === value))
    .map(({ metadata }) => ({ name: metadata.name, pods: load.get(metadata.name)?.length ?? 0 }))
    .sort((a, b) => a.pods - b.pods)
  if (node !== undefined) bindPod(context, key, node.name)
}

/**
 * A pod on a node is marked, and goes when its kubelet deletes it with grace 0; any other goes at once. A second
 * deletion can only shorten the grace.
 */
export function deletePod(
  { store, clock }: Pick<ApiContext, 'store' | 'clock'>,
  key: ObjectKey,
  asked: number | undefined,
): StoredObject {
  const pod = store.get(PODS, key)
  const spec = peekAt(pod, 'spec')
  const own = spec['terminationGracePeriodSeconds']
  const grace = Math.max(0, asked ?? (typeof own === 'number' ? own : 30))
  const ended = ['Succeeded', 'Failed'].includes(textAt(peekAt(pod, 'status'), 'phase'))
  if (grace === 0 || ended || textAt(spec, 'nodeName') === '') return store.remove(PODS, key)
  const running = pod.metadata.deletionGracePeriodSeconds
  if (running !== undefined && running <= grace) return pod
  pod.metadata.deletionTimestamp = formatTime(clock.now() + grace * 1_000)
  pod.metadata.deletionGracePeriodSeconds = grace
  return store.update(PODS, pod)
}
