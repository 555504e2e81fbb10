/** Kinds of object that the suite speaks of, and the URL paths they live at. */
import { KubernetesError } from './error.ts'

export interface Resource {
  /** Empty for the core group. */
  readonly group: string
  readonly version: string
  readonly plural: string
  readonly kind: string
  readonly namespaced: boolean
}

const core = (plural: string, kind: string, namespaced: boolean): Resource => ({
  group: '',
  version: 'v1',
  plural,
  kind,
  namespaced,
})

export const PODS = core('pods', 'Pod', true)
export const NODES = core('nodes', 'Node', false)
export const NAMESPACES = core('namespaces', 'Namespace', false)
export const CONFIG_MAPS = core('configmaps', 'ConfigMap', true)
export const SERVICE_ACCOUNTS = core('serviceaccounts', 'ServiceAccount', true)
export const EVENTS = core('events', 'Event', true)
export const LEASES: Resource = {
  group: 'coordination.k8s.io',
  version: 'v1',
  plural: 'leases',
  kind: 'Lease',
  namespaced: true,
}
export const MUTATING_WEBHOOKS: Resource = {
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  plural: 'mutatingwebhookconfigurations',
  kind: 'MutatingWebhookConfiguration',
  namespaced: false,
}
export const TOKEN_REVIEWS: Resource = {
  group: 'authentication.k8s.io',
  version: 'v1',
  plural: 'tokenreviews',
  kind: 'TokenReview',
  namespaced: false,
}
export const SUBJECT_ACCESS_REVIEWS: Resource = {
  group: 'authorization.k8s.io',
  version: 'v1',
  plural: 'subjectaccessreviews',
  kind: 'SubjectAccessReview',
  namespaced: false,
}

export interface Place {
  readonly namespace?: string
  readonly name?: string
  readonly subresource?: string
}

const SEGMENT = /^[a-z0-9A-Z]([a-zA-Z0-9.:_-]{0,251}[a-zA-Z0-9])?$/

/** Absolute path. Throws `KUBE_NOT_FOUND`, before any call, for a name that no object can have. */
export function pathOf(resource: Resource, { namespace, name, subresource }: Place = {}): string {
  const root = resource.group === '' ? '/api' : `/apis/${resource.group}`
  const segments = [root, resource.version]
  if (namespace !== undefined) segments.push('namespaces', segment(namespace))
  segments.push(resource.plural)
  if (name !== undefined) segments.push(segment(name))
  if (subresource !== undefined) segments.push(subresource)
  return segments.join('/')
}

/** A name becomes part of a URL: one that could mean another place is refused rather than escaped. */
function segment(name: string): string {
  if (SEGMENT.test(name) && !name.includes('..')) return encodeURIComponent(name)
  throw new KubernetesError('KUBE_NOT_FOUND', 'no object can have this name', { fields: { length: name.length } })
}

/** `apiVersion` of a resource's objects. */
export const apiVersionOf = ({ group, version }: Resource): string => (group === '' ? version : `${group}/${version}`)
