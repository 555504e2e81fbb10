/** The durable record of each instance vouched for: a Lease that outlives the callback, until ZTS has forgotten. */
import {
  createLease,
  deleteLease,
  isKubernetesError,
  type KubeApi,
  type Lease,
  LEASES,
  leaseOf,
  listLeases,
  orUnavailable,
  pathOf,
} from '@pallas/kubernetes'
import type { InstanceName } from '@pallas/zts'
import { INSTANCE_LABELS, selectorOf } from './lease-labels.ts'

export interface InstanceRecord extends InstanceName {
  readonly namespace: string
  readonly pod: string
}

/** Every method throws `API_UNAVAILABLE`. */
export interface InstanceRecords {
  /** Makes the record unless it is there. */
  put(record: InstanceRecord, signal?: AbortSignal): Promise<void>
  has(instanceId: string, signal?: AbortSignal): Promise<boolean>
  all(signal?: AbortSignal): Promise<readonly InstanceRecord[]>
  /** Fine when it is not there. */
  remove(record: InstanceRecord, signal?: AbortSignal): Promise<void>
}

export interface InstanceRecordsDeps {
  readonly api: Pick<KubeApi, 'create' | 'list' | 'get' | 'delete'>
  readonly namespace: string
}

export function createInstanceRecords({ api, namespace }: InstanceRecordsDeps): InstanceRecords {
  async function find(instanceId: string, signal?: AbortSignal): Promise<Lease | undefined> {
    try {
      return leaseOf(await api.get(pathOf(LEASES, { namespace, name: nameOf(instanceId) }), signal))
    } catch (error) {
      if (isKubernetesError(error, 'KUBE_NOT_FOUND')) return undefined
      throw error
    }
  }
  async function all(signal?: AbortSignal): Promise<readonly InstanceRecord[]> {
    const query = { namespace, labelSelector: selectorOf(INSTANCE_LABELS) }
    const records: InstanceRecord[] = []
    for (let more: string | undefined; ; ) {
      const page = await listLeases(api, more === undefined ? query : { ...query, continue: more }, signal)
      records.push(...page.leases.flatMap(recordOf))
      if (page.continue === undefined) return records
      more = page.continue
    }
  }
  return {
    async put(record, signal) {
      const lease = { name: nameOf(record.instanceId), labels: INSTANCE_LABELS, annotations: annotationsOf(record) }
      await orUnavailable(createLease(api, { namespace, ...lease, holder: 'athenz-callback' }, signal))
    },
    has: async (instanceId, signal) => (await orUnavailable(find(instanceId, signal))) !== undefined,
    all: (signal) => orUnavailable(all(signal)),
    async remove({ instanceId }, signal) {
      const lease = await orUnavailable(find(instanceId, signal))
      if (lease !== undefined) await orUnavailable(deleteLease(api, lease, signal))
    },
  }
}

/** The instance id is the UID of a pod: fit for a name, and never used again. */
const nameOf = (instanceId: string): string => `athenz-instance-${instanceId}`

const PREFIX = 'athenz.io/'
const FACTS = ['provider', 'domain', 'service', 'instanceId', 'namespace', 'pod'] as const

const keyOf = (fact: string): string => PREFIX + fact.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)

const annotationsOf = (record: InstanceRecord): Record<string, string> =>
  Object.fromEntries(FACTS.map((fact) => [keyOf(fact), record[fact]]))

/** Nothing for a Lease that lacks a fact: it is not one of ours, whatever its labels say. */
function recordOf({ annotations }: Pick<Lease, 'annotations'>): InstanceRecord[] {
  const [provider, domain, service, instanceId, namespace, pod] = FACTS.map((fact) => annotations[keyOf(fact)])
  return provider && domain && service && instanceId && namespace && pod
    ? [{ provider, domain, service, instanceId, namespace, pod }]
    : []
}
