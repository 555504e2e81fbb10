/**
 * The durable record of each instance vouched for: a Lease that outlives the callback, until ZTS has forgotten.
 *
 * Others may write Leases too, so a record counts only where it says what this callback would have said of such a pod,
 * now or while another choice of system namespaces was in force: replicas learn of a change one by one, and what was
 * vouched for before it is an instance at ZTS all the same. A pod under two domains has two records.
 */
import { domainOf, type DomainRules, IdentityError, isServiceName, mangle } from '@pallas/identity'
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
import type { CallbackEvents } from './events.ts'
import { INSTANCE_LABELS, selectorOf } from './lease-labels.ts'

export interface InstanceRecord extends InstanceName {
  readonly namespace: string
  readonly pod: string
}

/** Every method throws `API_UNAVAILABLE`. */
export interface InstanceRecords {
  /** Makes the record unless it is there; what stands in its place without being it is replaced. */
  put(record: InstanceRecord, signal?: AbortSignal): Promise<void>
  /** Every record of the instance. Whoever knows one is not misled by what its Lease says now: `known` is told as it is. */
  find(instanceId: string, known?: InstanceRecord, signal?: AbortSignal): Promise<readonly InstanceRecord[]>
  all(signal?: AbortSignal): Promise<readonly InstanceRecord[]>
  /** Fine when it is not there. */
  remove(record: InstanceRecord, signal?: AbortSignal): Promise<void>
}

export interface InstanceRecordsDeps {
  readonly api: Pick<KubeApi, 'create' | 'list' | 'get' | 'delete'>
  readonly namespace: string
  /** The Athenz service that we are: another's instances are none of our business. */
  readonly provider: string
  readonly names: () => DomainRules
  readonly events: Pick<CallbackEvents, 'instanceRecordsIgnored'>
}

const TRIES = 3

export function createInstanceRecords(deps: InstanceRecordsDeps): InstanceRecords {
  const { api, namespace, provider, names, events } = deps
  const recordOf = (lease: Lease): InstanceRecord | undefined => recordIn(lease, { provider, names: names() })

  async function leaseNamed(name: string, signal?: AbortSignal): Promise<Lease | undefined> {
    try {
      return leaseOf(await api.get(pathOf(LEASES, { namespace, name }), signal))
    } catch (error) {
      if (isKubernetesError(error, 'KUBE_NOT_FOUND')) return undefined
      throw error
    }
  }
  async function find(instanceId: string, known?: InstanceRecord, signal?: AbortSignal): Promise<readonly InstanceRecord[]> {
    const leases = await Promise.all(namesOf(instanceId).map((name) => leaseNamed(name, signal)))
    return leases.flatMap((lease) => {
      if (lease === undefined) return []
      const record = known !== undefined && lease.name === nameOf(known) ? known : recordOf(lease)
      return record ?? []
    })
  }
  async function all(signal?: AbortSignal): Promise<readonly InstanceRecord[]> {
    const query = { namespace, labelSelector: selectorOf(INSTANCE_LABELS) }
    const records: InstanceRecord[] = []
    const ignored: string[] = []
    for (let more: string | undefined; ; ) {
      const page = await listLeases(api, more === undefined ? query : { ...query, continue: more }, signal)
      for (const lease of page.leases) {
        const record = recordOf(lease)
        if (record === undefined) ignored.push(lease.name)
        else records.push(record)
      }
      if (page.continue === undefined) break
      more = page.continue
    }
    events.instanceRecordsIgnored(ignored)
    return records
  }
  async function put(record: InstanceRecord, signal?: AbortSignal): Promise<void> {
    const lease = { name: nameOf(record), labels: INSTANCE_LABELS, annotations: annotationsOf(record) }
    for (let tries = 0; tries < TRIES; tries++) {
      if ((await createLease(api, { namespace, ...lease, holder: 'athenz-callback' }, signal)) === 'created') return
      const there = await leaseNamed(lease.name, signal)
      if (isSame(there && recordOf(there), record)) return
      if (there !== undefined) await deleteLease(api, there, signal)
    }
    throw new IdentityError('API_UNAVAILABLE', 'the instance cannot be recorded now', { instanceId: record.instanceId })
  }
  return {
    put: (record, signal) => orUnavailable(put(record, signal)),
    find: (instanceId, known, signal) => orUnavailable(find(instanceId, known, signal)),
    all: (signal) => orUnavailable(all(signal)),
    async remove(record, signal) {
      const lease = await orUnavailable(leaseNamed(nameOf(record), signal))
      if (lease !== undefined) await orUnavailable(deleteLease(api, lease, signal))
    },
  }
}

/** The instance id is the UID of a pod: fit for a name, and never used again. */
const namesOf = (instanceId: string): readonly [string, string] => {
  const name = `athenz-instance-${instanceId}`
  return [name, `${name}-system`]
}

/** Of the two domains that a pod can have, that of its namespace alone and that below the administrators'. */
function nameOf({ instanceId, domain, namespace }: Pick<InstanceRecord, 'instanceId' | 'domain' | 'namespace'>): string {
  const [own, system] = namesOf(instanceId)
  return mangle(domain) === namespace ? own : system
}

const PREFIX = 'athenz.io/'
const FACTS = ['provider', 'domain', 'service', 'instanceId', 'namespace', 'pod'] as const

const keyOf = (fact: string): string => PREFIX + fact.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)

const annotationsOf = (record: InstanceRecord): Record<string, string> =>
  Object.fromEntries(FACTS.map((fact) => [keyOf(fact), record[fact]]))

interface RecordRules {
  readonly provider: string
  readonly names: DomainRules
}

/** Undefined unless the Lease is of the form that `put` gives it, about a pod that this callback vouches for. */
function recordIn({ name, annotations }: Lease, { provider, names }: RecordRules) {
  const [vouchedBy, domain, service, instanceId, namespace, pod] = FACTS.map((fact) => annotations[keyOf(fact)])
  if (!vouchedBy || !domain || !service || !instanceId || !namespace || !pod) return undefined
  const record = { provider, domain, service, instanceId, namespace, pod }
  const isOurs = name === nameOf(record) && vouchedBy === provider
  return isOurs && isServiceName(service) && domainsOf(namespace, names).includes(domain) ? record : undefined
}

const isSame = (one: InstanceRecord | undefined, other: InstanceRecord): boolean => FACTS.every((fact) => one?.[fact] === other[fact])

/** The domains that a namespace stands for, whether or not it is one of the administrators'. */
const domainsOf = (namespace: string, names: DomainRules): readonly string[] =>
  [[], [namespace]].flatMap((systemNamespaces) => {
    try {
      return domainOf(namespace, { ...names, systemNamespaces })
    } catch {
      return []
    }
  })
