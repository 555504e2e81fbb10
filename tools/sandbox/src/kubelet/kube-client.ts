/** The kubelet's side of the API server, over its real client: status, deletes, tokens, reviews, and the watch of its pods. */
import type { Clock } from '@pallas/runtime'
import { retry } from '@pallas/runtime'
import {
  CONFIG_MAPS,
  isKubernetesError,
  type KubeApi,
  type KubeObject,
  pathOf,
  PODS,
  SERVICE_ACCOUNTS,
  SUBJECT_ACCESS_REVIEWS,
  TOKEN_REVIEWS,
} from '@pallas/kubernetes'
import type { KubeletApi, KubeUser } from './api.ts'
import type { PodObject } from './objects.ts'

export function createKubeletApi(kube: KubeApi, nodeName: string): KubeletApi {
  return {
    async reportStatus({ metadata: { namespace, name, uid } }, status) {
      const path = pathOf(PODS, { namespace, name, subresource: 'status' })
      await unlessGone(kube.patch(path, { kind: 'merge', patch: { metadata: { uid }, status } }))
    },
    async forget({ metadata: { namespace, name, uid } }) {
      await unlessGone(kube.delete(pathOf(PODS, { namespace, name }), { gracePeriodSeconds: 0, uid }))
    },
    async serviceAccountToken({ metadata, spec }, { audience, expirationSeconds }) {
      const boundObjectRef = { kind: 'Pod', apiVersion: 'v1', name: metadata.name, uid: metadata.uid }
      const audiences = audience === undefined ? {} : { audiences: [audience] }
      const account = { namespace: metadata.namespace, name: spec.serviceAccountName ?? 'default', subresource: 'token' }
      const request = { kind: 'TokenRequest', apiVersion: 'authentication.k8s.io/v1', metadata: {}, spec: { ...audiences, expirationSeconds, boundObjectRef } }
      const answer = (await kube.create(pathOf(SERVICE_ACCOUNTS, account), request)) as { status?: { token?: string } }
      return answer.status?.token ?? ''
    },
    async configMap(namespace, name) {
      const found = (await kube.get(pathOf(CONFIG_MAPS, { namespace, name }))) as { data?: Record<string, string> }
      return found.data ?? {}
    },
    async userOf(token) {
      const review = { kind: 'TokenReview', apiVersion: 'authentication.k8s.io/v1', metadata: {}, spec: { token } }
      const { status } = (await kube.create(pathOf(TOKEN_REVIEWS), review)) as { status?: { authenticated?: boolean; user?: Partial<KubeUser> } }
      if (status?.authenticated !== true || status.user?.username === undefined) return undefined
      return { username: status.user.username, groups: status.user.groups ?? [] }
    },
    async mayGetNode({ username, groups }, subresource) {
      const resourceAttributes = { verb: 'get', resource: 'nodes', subresource, name: nodeName }
      const spec = { user: username, groups, resourceAttributes }
      const review = { kind: 'SubjectAccessReview', apiVersion: 'authorization.k8s.io/v1', metadata: {}, spec }
      const { status } = (await kube.create(pathOf(SUBJECT_ACCESS_REVIEWS), review)) as { status?: { allowed?: boolean } }
      return status?.allowed === true
    },
  }
}

async function unlessGone(call: Promise<unknown>): Promise<void> {
  await call.catch((error: unknown) => {
    if (!isKubernetesError(error) || (error.code !== 'KUBE_NOT_FOUND' && error.code !== 'KUBE_CONFLICT')) throw error
  })
}

const WATCH_SECONDS = 60

export interface WatchPodsOptions {
  readonly kube: Pick<KubeApi, 'list' | 'watch'>
  readonly nodeName: string
  readonly clock: Clock
  /** All pods of the node as they are now: what was known beside them is gone. */
  readonly listed: (pods: readonly PodObject[]) => void
  readonly seen: (pod: PodObject) => void
  readonly removed: (pod: PodObject) => void
}

/** Tells of every pod of the node, now and when it changes, until the signal aborts. */
export async function watchPods({ kube, nodeName, clock, listed, seen, removed }: WatchPodsOptions, signal: AbortSignal): Promise<void> {
  const fieldSelector = `spec.nodeName=${nodeName}`
  const once = async () => {
    const { items, resourceVersion } = await kube.list(pathOf(PODS), { fieldSelector }, signal)
    listed(items.map(asPod))
    let from = resourceVersion
    for (;;) {
      const query = { fieldSelector, resourceVersion: from, timeoutSeconds: WATCH_SECONDS }
      for await (const event of kube.watch(pathOf(PODS), query, signal)) {
        from = event.resourceVersion
        if (event.type === 'ADDED' || event.type === 'MODIFIED') seen(asPod(event.object))
        if (event.type === 'DELETED') removed(asPod(event.object))
      }
    }
  }
  await retry(once, { clock, initialMs: 100, maxMs: 2_000, deadlineMs: Infinity, again: () => !signal.aborted }, signal).catch((error: unknown) => {
    if (!signal.aborted) throw error
  })
}

const asPod = (object: KubeObject): PodObject => object as unknown as PodObject
