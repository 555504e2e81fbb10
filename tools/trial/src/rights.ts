/**
 * Each right that `deploy/base/rbac.yaml` gives, and what ends with it: the table by which a cluster takes them away one by one.
 * What goes on is not said: running pods keep their identity whatever is taken (rule 9).
 */
export interface Right {
  readonly account: 'athenz-identity-agent' | 'athenz-jwt-service' | 'athenz-callback' | 'athenz-initializer'
  readonly verb: string
  readonly resource: string
  /** What no longer comes about. */
  readonly breaks: 'first identities' | 'identities of agents' | 'events' | 'wiping upstream' | 'injection' | 'webhook certificate' | 'thrift' | 'tidiness'
  /** Why, in a sentence. */
  readonly why: string
}

export const RIGHTS: readonly Right[] = [
  { account: 'athenz-identity-agent', verb: 'get', resource: 'nodes/pods', breaks: 'first identities', why: 'the kubelet does not say which pods run on the node' },
  { account: 'athenz-identity-agent', verb: 'create', resource: 'events', breaks: 'events', why: 'a pod without an identity is not told on the pod' },
  { account: 'athenz-jwt-service', verb: 'get', resource: 'pods', breaks: 'first identities', why: 'a pod that the watch does not show as the agent does cannot be asked for' },
  { account: 'athenz-jwt-service', verb: 'list', resource: 'pods', breaks: 'first identities', why: 'the watch of pods of a replica that starts cannot begin, and whose agent is asking is not found without it' },
  { account: 'athenz-jwt-service', verb: 'watch', resource: 'pods', breaks: 'thrift', why: 'what was listed grows old, so each document asks the API server for its pod' },
  { account: 'athenz-callback', verb: 'get', resource: 'pods', breaks: 'first identities', why: 'the verdict is about the pod as it is now' },
  { account: 'athenz-callback', verb: 'list', resource: 'pods', breaks: 'wiping upstream', why: 'the watch of pods cannot begin, so no end of a pod is seen' },
  { account: 'athenz-callback', verb: 'watch', resource: 'pods', breaks: 'wiping upstream', why: 'the same: no end of a pod is seen' },
  { account: 'athenz-callback', verb: 'create', resource: 'tokenreviews', breaks: 'identities of agents', why: 'nobody vouches for the token of an agent' },
  { account: 'athenz-callback', verb: 'create', resource: 'leases', breaks: 'first identities', why: 'no document can be marked as used' },
  { account: 'athenz-callback', verb: 'get', resource: 'leases', breaks: 'wiping upstream', why: 'what an instance was issued as cannot be looked up' },
  { account: 'athenz-callback', verb: 'list', resource: 'leases', breaks: 'tidiness', why: 'a replica that starts does not learn what was recorded, and Leases that are over are not found' },
  { account: 'athenz-callback', verb: 'delete', resource: 'leases', breaks: 'tidiness', why: 'Leases that are over stay' },
  { account: 'athenz-initializer', verb: 'get', resource: 'configmaps', breaks: 'injection', why: 'there are no templates, so a replica that starts is never ready' },
  { account: 'athenz-initializer', verb: 'get', resource: 'mutatingwebhookconfigurations', breaks: 'webhook certificate', why: 'the bundle cannot be seen, so a replica that starts is never ready' },
  { account: 'athenz-initializer', verb: 'patch', resource: 'mutatingwebhookconfigurations', breaks: 'webhook certificate', why: 'a new authority cannot be added, so a replica that starts is never ready' },
]
