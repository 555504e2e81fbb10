export { unlessAborted } from './abort.ts'
export {
  ADMISSION_BODY_LIMIT,
  type AdmissionAnswer,
  type AdmissionRequest,
  allowReview,
  type AllowOptions,
  denyReview,
  type GroupVersionName,
  type JsonPatchOperation,
  parseAdmissionReview,
} from './admission.ts'
export {
  createKubeApi,
  type DeleteOptions,
  type KubeApi,
  type KubeApiOptions,
  type KubeList,
  type KubePatch,
  type ListQuery,
  type ReadOptions,
  type Selectors,
  type WatchQuery,
} from './api.ts'
export { type ApiSettings, openKubeApi } from './open-api.ts'
export { readConfigMapKey } from './config-maps.ts'
export { isKubernetesError, KubernetesError, type KubernetesErrorCode } from './error.ts'
export { type PodEvent, recordPodEvent } from './events.ts'
export { IN_CLUSTER } from './in-cluster.ts'
export { createKubelet, type Kubelet, type KubeletOptions, type KubeletTrust } from './kubelet.ts'
export { createLease, deleteLease, type Lease, leaseOf, listLeases, type NewLease } from './leases.ts'
export { getNode, listNodes, type Node, type NodeAddress, nodeAddressesOf, nodeOf } from './nodes.ts'
export { orUnavailable } from './or-unavailable.ts'
export { openPodWatch, type PodWatch, type PodWatchLog, type PodWatchOptions } from './pod-watch.ts'
export { getPod, listPods, type ListPodsOptions, type OnMalformed, podOf } from './pods.ts'
export {
  apiVersionOf,
  CONFIG_MAPS,
  EVENTS,
  LEASES,
  MUTATING_WEBHOOKS,
  NAMESPACES,
  NODES,
  pathOf,
  type Place,
  PODS,
  type Resource,
  SERVICE_ACCOUNTS,
  SUBJECT_ACCESS_REVIEWS,
  TOKEN_REVIEWS,
} from './resources.ts'
export { fileToken, type FileTokenOptions, type TokenSource } from './token.ts'
export { type TokenClaims, tokenClaimsOf } from './token-claims.ts'
export { readTokenKeys, type TokenAlgorithm, type TokenKey } from './token-keys.ts'
export { reviewToken, type TokenVerdict } from './token-reviews.ts'
export type { KubeObject, WatchEvent } from './watch-events.ts'
export { readWebhookRoots, replaceWebhookRoots, type WebhookRoots } from './webhook-roots.ts'
