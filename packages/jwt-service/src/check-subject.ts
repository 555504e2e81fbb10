import { IdentityError, type NameRules, type Pod, podState, type ReasonCode, workloadOf } from '@pallas/identity'
import type { SubjectRequest } from './subject-request.ts'

/**
 * Whether the agent of `node` may have a document for this pod: the API server shows the pod there, alive, and all that
 * the agent says of it is what follows from it. Throws `IdentityError` with the reason when not.
 */
export function checkSubject(request: SubjectRequest, pod: Pod | undefined, node: string, rules: NameRules): Pod {
  const reason = reasonAgainst(request, pod, node)
  if (pod === undefined || reason !== undefined) throw new IdentityError(reason ?? 'POD_UNKNOWN', 'not a pod of this node')
  const { domain, service } = workloadOf(pod, rules)
  // A pod on its host's network has no address of its own for a certificate, but its document names the one it has.
  if (pod.ip === '') throw new IdentityError('POD_IP_PENDING', 'pod has no address yet')
  if (request.domain !== domain) throw mismatch('DOMAIN_MISMATCH')
  if (request.service !== service) throw mismatch('SERVICE_MISMATCH')
  if (request.ip !== pod.ip) throw mismatch('SUBJECT_MISMATCH')
  return pod
}

/** Nothing is told of a pod elsewhere but that it is elsewhere. */
function reasonAgainst({ uid }: SubjectRequest, pod: Pod | undefined, node: string): ReasonCode | undefined {
  if (pod === undefined) return 'POD_UNKNOWN'
  if (pod.node !== node) return 'POD_ON_OTHER_NODE'
  if (uid !== undefined && pod.uid !== uid) return 'POD_UNKNOWN'
  return podState(pod) === 'ended' ? 'POD_ENDED' : undefined
}

const mismatch = (code: ReasonCode) => new IdentityError(code, 'the subject is not the pod as it is now')
