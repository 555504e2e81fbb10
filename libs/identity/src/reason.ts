/**
 * Why something was not done: the stable codes that logs, metrics, HTTP bodies, Events and exit codes share.
 *
 * `kind` says what to do about it. `denied` is final for this request; `unavailable` is worth a retry; `conflict` means
 * ask again with fresh facts; `bad-request` means the caller's bytes are wrong; `internal` means ours are.
 * A name here never changes; the set may grow.
 */
export type ReasonKind = 'bad-request' | 'denied' | 'conflict' | 'unavailable' | 'internal'

interface Reason {
  readonly kind: ReasonKind
  /** One sentence for docs/operations.md and for a person reading the error. */
  readonly doc: string
}

const denied = (doc: string) => ({ kind: 'denied', doc }) as const
const unavailable = (doc: string) => ({ kind: 'unavailable', doc }) as const
const badRequest = (doc: string) => ({ kind: 'bad-request', doc }) as const

export const REASONS = {
  HANDLE_INVALID: badRequest('The handle is not 43 characters of base64url.'),
  BODY_INVALID: badRequest('The request body is not what this route takes.'),
  BODY_TOO_LARGE: badRequest('The request body is longer than this route takes.'),
  CSR_INVALID: badRequest('The CSR cannot be read, or its own signature does not verify.'),
  CREDENTIALS_INVALID: badRequest('The key and certificate sent for a refresh cannot be read or do not match.'),
  BODY_TYPE_UNSUPPORTED: badRequest('The request body is not said to be application/json.'),
  ROUTE_UNKNOWN: badRequest('There is no such path or method here.'),
  METHOD_UNSUPPORTED: badRequest('The path takes another method.'),
  TOKEN_NOT_CACHED: badRequest('No token for that domain and role is held: only those that were asked for by POST, or are kept by the settings, are.'),

  HANDLE_UNKNOWN: denied('No volume on this host has that handle.'),
  NOT_A_POD: denied('The calling process is in no pod that the kubelet knows.'),
  HANDLE_PEER_MISMATCH: denied('The calling process is in another pod than the volume was made for.'),
  PEER_EXITED: denied('The calling process ended before it could be attested.'),
  VOLUME_UNTRUSTED: denied('The volume on the host is not owned by root, or others may write to it.'),
  POD_UNKNOWN: denied('The cluster has no such pod, or another one under that name.'),
  POD_ENDED: denied('The pod has ended.'),
  POD_TERMINATING: denied('The pod is terminating: it may renew an identity, not get its first.'),
  POD_ON_OTHER_NODE: denied('The pod runs on another node than the agent that asks for it.'),
  HOST_NETWORK_REFUSED: denied('The pod uses the network of its host and the policy refuses such pods.'),
  POD_UNSUPPORTED: denied('Pods of this kind get no identity: Windows pods, and pods with nothing left to run.'),
  INJECTION_COLLISION: denied('The pod has a part of its own under the name of one that would be injected, or only some of ours.'),
  NAMESPACE_REFUSED: denied('The namespace stands for no Athenz domain of its own.'),
  SERVICE_REFUSED: denied('The service account is not a valid Athenz service name.'),
  CALLER_NOT_ALLOWED: denied('The client certificate is not one that may call this service.'),
  WEB_PAGE_REFUSED: denied('The request was sent by a web page, or names another host than the one it reached.'),
  AGENT_REVOKED: denied('The agent is on the list of those that get no more documents.'),
  NODE_UNKNOWN: denied('The certificate of the agent names no node or running agent of this cluster, or several.'),

  DOCUMENT_MISSING: denied('There is no attestation data.'),
  DOCUMENT_MALFORMED: denied('The attestation data is neither a document of ours nor a service account token.'),
  DOCUMENT_ALGORITHM: denied('The document is signed with an algorithm that its key does not have.'),
  DOCUMENT_KEY_UNKNOWN: denied('The document names a signing key that is not known here.'),
  DOCUMENT_SIGNATURE: denied('The signature of the document does not verify.'),
  DOCUMENT_AUDIENCE: denied('The document is for another audience.'),
  DOCUMENT_ISSUER: denied('The document names another issuer than its key.'),
  DOCUMENT_EXPIRED: denied('The document has expired.'),
  DOCUMENT_NOT_YET_VALID: denied('The document is not valid yet: a clock may be wrong.'),
  DOCUMENT_TOO_LONG_LIVED: denied('The document claims a longer life than documents have.'),
  DOCUMENT_REPLAYED: denied('The document was used before.'),

  TOKEN_MALFORMED: denied('The attestation data has the form of a service account token, and says nothing that can be read.'),
  TOKEN_AUDIENCE: denied('The service account token is for another audience than the provider.'),
  TOKEN_ACCOUNT: denied('The service account of the token is none that may ask for an identity with one.'),
  TOKEN_UNBOUND: denied('The service account token is bound to no pod, or to no node.'),
  TOKEN_EXPIRED: denied('The service account token has expired.'),
  TOKEN_NOT_AUTHENTIC: denied('The API server does not take the service account token: it is forged, of another cluster, or bound to what is no more.'),

  PROVIDER_MISMATCH: denied('ZTS asks for another provider than this one.'),
  DOMAIN_MISMATCH: denied('The Athenz domain is not that of the pod.'),
  SERVICE_MISMATCH: denied('The Athenz service is not that of the pod.'),
  SUBJECT_MISMATCH: denied('The subject of the document is not the pod as it is now.'),
  NODE_MISMATCH: denied('The document or the token is of another node than the pod runs on.'),
  UID_MISMATCH: denied('The document or the token is of an earlier pod of the same name.'),
  INSTANCE_ID_MISMATCH: denied('The instance id is not the UID of the pod.'),
  SAN_DNS_MISMATCH: denied('The DNS names asked for are not exactly those of the pod.'),
  SAN_IP_MISMATCH: denied('The IP addresses asked for are not exactly those of the pod.'),
  SAN_URI_MISMATCH: denied('The URIs asked for are not exactly those of the pod.'),
  CLIENT_IP_MISMATCH: denied('The address that dialled ZTS is not allowed by the policy.'),

  SIGNER_DENIED: denied('The JWT service refused to sign a document for the pod.'),
  ISSUER_DENIED: denied('ZTS refused to issue the identity.'),
  DOMAIN_UNKNOWN: denied('ZTS knows no such Athenz domain.'),
  UPSTREAM_INVALID_CERT: unavailable('ZTS answered with a certificate that is not the one asked for.'),

  CSR_NAMES_CHANGED: { kind: 'conflict', doc: 'The names in the CSR are not the names of the pod now: ask for them again.' },

  PEER_UNKNOWN: unavailable('The agent cannot learn from the kernel which process is calling: its set-up or the kernel is to blame, not the pod.'),
  POD_IP_PENDING: unavailable('The pod has no address yet.'),
  POD_NOT_SEEN_YET: unavailable('The kubelet does not show the pod yet.'),
  NODE_AMBIGUOUS: unavailable('Several nodes claim the addresses in the certificate of the agent: the log names them.'),
  KUBELET_UNAVAILABLE: unavailable('The kubelet does not answer.'),
  API_UNAVAILABLE: unavailable('The API server does not answer.'),
  SIGNER_UNAVAILABLE: unavailable('The JWT service does not answer.'),
  TOKEN_UNAVAILABLE: unavailable('The agent has no service account token that it could show for an identity of its own.'),
  SIGNING_KEY_UNAVAILABLE: unavailable('There is no usable signing key.'),
  ISSUER_UNAVAILABLE: unavailable('ZTS does not answer, or asks to come back later.'),
  AGENT_UNAVAILABLE: unavailable('The identity agent does not answer.'),
  BUSY: unavailable('Too many requests are waiting: come back later.'),
  NOT_READY: unavailable('The service has just started, is stopping, or trusts other roots than when the connection was made.'),

  INTERNAL: { kind: 'internal', doc: 'Something broke inside; the log has the request id and the cause.' },
} as const satisfies Record<string, Reason>

export type ReasonCode = keyof typeof REASONS

export const kindOf = (code: ReasonCode): ReasonKind => REASONS[code].kind

export const isReasonCode = (text: string): text is ReasonCode => Object.hasOwn(REASONS, text)
