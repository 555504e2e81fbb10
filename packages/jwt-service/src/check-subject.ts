import {
  canonicalIp,
  IdentityError,
  type NameRules,
  type Pod,
  podState,
  type PodSubject,
  type ReasonCode,
  subjectOf,
} from '@pallas/identity'
import type { SubjectRequest } from '@pallas/wire'

/**
 * The subject to sign for the agent of `node`: what follows from the pod as it is shown, on that node, and alive. All
 * that the agent said of it must be just that. Throws `IdentityError` with the reason when not.
 */
export function checkSubject(asked: SubjectRequest, pod: Pod, node: string, rules: NameRules): PodSubject {
  // Of a pod elsewhere nothing is told but that it is elsewhere.
  if (pod.node !== node) throw denied('POD_ON_OTHER_NODE')
  if (asked.uid !== undefined && pod.uid !== asked.uid) throw denied('POD_UNKNOWN')
  if (podState(pod) === 'ended') throw denied('POD_ENDED')
  const subject = subjectOf(pod, rules)
  if (asked.domain !== subject.domain) throw denied('DOMAIN_MISMATCH')
  if (asked.service !== subject.service) throw denied('SERVICE_MISMATCH')
  if (canonicalIp(asked.ip) !== subject.ip) throw denied('SUBJECT_MISMATCH')
  return subject
}

const denied = (code: ReasonCode) => new IdentityError(code, 'no document for this pod')
