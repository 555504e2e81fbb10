/** Leases as names that only one can take: the first to create one has it, whatever replica or restart it is. */
import type { KubeApi } from './api.ts'
import { isKubernetesError, KubernetesError } from './error.ts'
import { fieldsOf, isObject } from './json.ts'
import { apiVersionOf, LEASES, pathOf } from './resources.ts'
import { parseTime } from './times.ts'

export interface NewLease {
  readonly namespace: string
  /** DNS subdomain, at most 253 characters. */
  readonly name: string
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
  /** Who takes it; for people. */
  readonly holder?: string
  readonly durationSeconds?: number
}

export interface Lease {
  readonly namespace: string
  readonly name: string
  readonly uid: string
  readonly resourceVersion: string
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  readonly holder: string
  /** Zero when unset. */
  readonly durationSeconds: number
  /** By the API server's clock, epoch milliseconds. */
  readonly createdAt: number
}

/**
 * Create-if-absent. `exists` is final: someone had it before. When this throws, nobody knows who has it; a caller for
 * whom it must be single use then counts it as spent.
 */
export async function createLease(
  api: Pick<KubeApi, 'create'>,
  { namespace, name, labels = {}, annotations = {}, holder, durationSeconds }: NewLease,
  signal?: AbortSignal,
): Promise<'created' | 'exists'> {
  const lease = {
    apiVersion: apiVersionOf(LEASES),
    kind: LEASES.kind,
    metadata: { name, namespace, labels, annotations },
    spec: {
      ...(holder === undefined ? {} : { holderIdentity: holder }),
      ...(durationSeconds === undefined ? {} : { leaseDurationSeconds: durationSeconds }),
    },
  }
  try {
    await api.create(pathOf(LEASES, { namespace }), lease, signal)
    return 'created'
  } catch (error) {
    if (isKubernetesError(error, 'KUBE_EXISTS')) return 'exists'
    throw error
  }
}

/** One page of leases; `continue` when there are more. */
export async function listLeases(
  api: Pick<KubeApi, 'list'>,
  query: {
    readonly namespace: string
    readonly labelSelector: string
    readonly limit?: number
    readonly continue?: string
  },
  signal?: AbortSignal,
): Promise<{ readonly leases: readonly Lease[]; readonly continue: string | undefined }> {
  const { namespace, limit = 500, ...rest } = query
  const page = await api.list(pathOf(LEASES, { namespace }), { ...rest, limit }, signal)
  return { leases: page.items.map(leaseOf), continue: page.continue }
}

/** Deletes exactly this lease: `gone` when it, or this version of it, is no more. */
export async function deleteLease(
  api: Pick<KubeApi, 'delete'>,
  { namespace, name, uid, resourceVersion }: Pick<Lease, 'namespace' | 'name' | 'uid' | 'resourceVersion'>,
  signal?: AbortSignal,
): Promise<'deleted' | 'gone'> {
  try {
    await api.delete(pathOf(LEASES, { namespace, name }), { uid, resourceVersion }, signal)
    return 'deleted'
  } catch (error) {
    if (isKubernetesError(error, 'KUBE_NOT_FOUND', 'KUBE_CONFLICT')) return 'gone'
    throw error
  }
}

/** Throws `KUBE_BAD_ANSWER`, `fields.path` naming the field, for anything that is no Lease. */
export function leaseOf(object: unknown): Lease {
  if (!isObject(object)) return wrong('')
  const root = fieldsOf(object, '', wrong)
  const metadata = fieldsOf(root.object('metadata'), 'metadata', wrong)
  const spec = fieldsOf(root.object('spec'), 'spec', wrong)
  const required = (key: string) => metadata.text(key) || wrong(`metadata.${key}`)
  return {
    namespace: required('namespace'),
    name: required('name'),
    uid: required('uid'),
    resourceVersion: required('resourceVersion'),
    labels: metadata.textMap('labels'),
    annotations: metadata.textMap('annotations'),
    holder: spec.text('holderIdentity'),
    durationSeconds: spec.whole('leaseDurationSeconds'),
    createdAt: parseTime(required('creationTimestamp')) ?? wrong('metadata.creationTimestamp'),
  }
}

function wrong(path: string): never {
  throw new KubernetesError('KUBE_BAD_ANSWER', 'not a lease', { fields: { path } })
}
