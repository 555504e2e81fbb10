export {
  DOCUMENT_AUDIENCE,
  DOCUMENT_MAX_LIFE_SECONDS,
  documentAlgorithmOf,
  type DocumentClaims,
  type DocumentHeader,
  formatKeyId,
  formatKeyUri,
  keyVersionIn,
  type KeyTraits,
  parseKeyId,
  type SigningKeyName,
} from './document.ts'
export { IdentityError } from './error.ts'
export { canonicalIp, isCidr, isWithin } from './ip.ts'
export {
  instanceDnsName,
  isServiceName,
  type NameRules,
  serviceDnsName,
  type SpiffeForm,
  spiffeUrisOf,
  type Workload,
  type WorkloadNames,
  workloadOf,
} from './names.ts'
export { domainOf, type DomainRules, isDomain, mangle, namespaceOf } from './naming.ts'
export {
  buildNToken,
  formatYBase64,
  type NToken,
  type NTokenClaims,
  type NTokenFault,
  type NTokenVerdict,
  parseNToken,
  parseYBase64,
  verifyNToken,
} from './ntoken.ts'
export { type Pod, type PodPhase, podState, type PodState } from './pod.ts'
export { isReasonCode, kindOf, type ReasonCode, type ReasonKind, REASONS } from './reason.ts'
export { formatSubject, parseSubject, type PodSubject, subjectOf } from './subject.ts'
export { type ClientIpPolicy, judge, type ShownInstance, type Verdict, type VerdictRules } from './verdict.ts'
