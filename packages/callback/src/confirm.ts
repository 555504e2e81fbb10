/**
 * Whether ZTS may issue a certificate for an instance: the verdict, step by step, each a reason to say no.
 *
 * What costs nothing comes first, and nothing is asked of the API server for a document that is not ours, nor for a token
 * that says itself that it is none for us. The single use of a document is taken last, when all else allows: a request
 * that is refused leaves its document as it was, so nobody can spend a document by asking for wrong names with it. Two
 * requests with one document may both come this far; creating the Lease lets exactly one of them through. The instance is
 * recorded meanwhile, and there is no yes before it is: a record without a certificate does no harm, and a certificate
 * without a record would never be deleted at ZTS.
 */
import {
  type ClientIpPolicy,
  IdentityError,
  judge,
  type NameRules,
  type Pod,
  podState,
  type ReasonCode,
  type ShownInstance,
  type Workload,
} from '@pallas/identity'
import type { InstanceConfirmation } from '@pallas/zts'
import { attest, type AttestDeps, type Attested } from './attest.ts'
import type { ConfirmationFacts } from './events.ts'
import type { Instances } from './instances.ts'

export interface ConfirmDeps extends AttestDeps {
  /** As the configuration says now. */
  readonly names: () => NameRules
  /** As the API server shows it now, from no cache. Throws `API_UNAVAILABLE`. */
  readonly findPod: (pod: { readonly namespace: string; readonly name: string }) => Promise<Pod | undefined>
  readonly clientIpPolicyFor: (pod: Pod) => Promise<ClientIpPolicy>
  readonly instances: Pick<Instances, 'record' | 'isRecorded'>
}

/** One request of ZTS. */
export interface Asked {
  readonly request: InstanceConfirmation
  /** ZTS asks about a refresh of an instance that it has. */
  readonly refresh: boolean
  /** Told what becomes known on the way, for the record of how it ended. */
  readonly note: (facts: ConfirmationFacts) => void
}

/** Resolves with a yes; every no is an `IdentityError`, of kind `denied` or `unavailable`. */
export async function confirm({ request, refresh, note }: Asked, deps: ConfirmDeps): Promise<Workload> {
  const { provider, instances } = deps
  const names = deps.names()
  note({ domain: request.domain, service: request.service })
  if (request.provider !== provider) throw denied('PROVIDER_MISMATCH')
  const attested = await attest(request, names, deps)
  note(attested.facts)

  const pod = await deps.findPod(attested)
  if (pod === undefined) throw denied('POD_UNKNOWN')
  checkStillThere(attested, pod)

  const occasion = refresh || (await isRenewal(pod, instances)) ? 'renewal' : 'first'
  const clientIp = await deps.clientIpPolicyFor(pod)
  const verdict = judge(shownIn(request), pod, { names, provider, clientIp, occasion })
  if (!verdict.allow) throw denied(verdict.reason, verdict.fields)
  attested.check(pod, names)

  const { domain, service, instanceId } = verdict.workload
  const record = { provider, domain, service, instanceId, namespace: pod.namespace, pod: pod.name }
  const [recorded, used] = await Promise.allSettled([instances.record(record), attested.use()])
  if (used.status === 'fulfilled' && !used.value) throw denied('DOCUMENT_REPLAYED')
  if (used.status === 'rejected') throw used.reason
  if (recorded.status === 'rejected') throw recorded.reason
  return verdict.workload
}

/** The pod of that name is still the one that is vouched for, on the node that it is vouched for on. */
function checkStillThere({ uid, node }: Attested, pod: Pod): void {
  if (pod.uid !== uid) throw denied('UID_MISMATCH')
  if (pod.node !== node) throw denied('NODE_MISMATCH', { shown: node, wanted: pod.node })
}

/** Agents renew by registering anew: what was vouched for before is renewed. It matters for terminating pods only. */
const isRenewal = async (pod: Pod, instances: ConfirmDeps['instances']): Promise<boolean> =>
  podState(pod) === 'terminating' && instances.isRecorded(pod.uid)

function shownIn({ provider, domain, service, attributes }: InstanceConfirmation): ShownInstance {
  const { instanceId = '', sanDns, sanIp, sanUri, clientIp } = attributes
  return { provider, domain, service, instanceId, sanDns, sanIp, sanUri, clientIp }
}

const denied = (code: ReasonCode, fields: Readonly<Record<string, unknown>> = {}) =>
  new IdentityError(code, 'the instance is not confirmed', fields)
