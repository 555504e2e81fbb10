/** What nobody of the suite may do, anywhere: each of these leads to another's identity, or to the node. */
import type { Deed } from './may.ts'

const on = (group: string, resource: string, ...verbs: readonly string[]): Deed[] => verbs.map((verb) => ({ group, resource, verb }))

export const DANGEROUS: readonly Deed[] = [
  ...on('', 'secrets', 'get', 'list', 'watch', 'create', 'update', 'patch', 'delete'),
  ...on('', 'serviceaccounts/token', 'create'),
  ...on('', 'serviceaccounts', 'impersonate', 'create', 'patch'),
  ...on('', 'users', 'impersonate'),
  ...on('', 'groups', 'impersonate'),
  ...on('', 'pods', 'create', 'update', 'patch', 'delete'),
  ...on('', 'pods/exec', 'get', 'create'),
  ...on('', 'pods/attach', 'get', 'create'),
  ...on('', 'pods/portforward', 'get', 'create'),
  ...on('', 'pods/ephemeralcontainers', 'update', 'patch'),
  ...on('', 'pods/eviction', 'create'),
  ...on('', 'pods/binding', 'create'),
  ...on('', 'nodes', 'get', 'list', 'watch', 'update', 'patch', 'delete'),
  ...on('', 'nodes/proxy', 'get', 'create'),
  ...on('', 'nodes/exec', 'get', 'create'),
  ...on('', 'nodes/configz', 'get'),
  ...on('', 'nodes/log', 'get'),
  ...on('', 'configmaps', 'list', 'watch', 'create', 'update', 'patch', 'delete'),
  ...on('', 'events', 'list', 'patch', 'delete'),
  ...on('apps', 'daemonsets', 'create', 'update', 'patch'),
  ...on('apps', 'deployments', 'create', 'update', 'patch'),
  ...on('batch', 'jobs', 'create'),
  ...on('coordination.k8s.io', 'leases', 'update', 'patch', 'watch', 'deletecollection'),
  ...on('certificates.k8s.io', 'certificatesigningrequests', 'create', 'update'),
  ...on('certificates.k8s.io', 'signers', 'sign', 'approve'),
  ...on('rbac.authorization.k8s.io', 'clusterroles', 'create', 'patch', 'bind', 'escalate'),
  ...on('rbac.authorization.k8s.io', 'clusterrolebindings', 'create', 'patch'),
  ...on('rbac.authorization.k8s.io', 'rolebindings', 'create', 'patch'),
  ...on('admissionregistration.k8s.io', 'mutatingwebhookconfigurations', 'list', 'watch', 'create', 'update', 'delete'),
  ...on('admissionregistration.k8s.io', 'validatingwebhookconfigurations', 'create', 'update', 'patch', 'delete'),
  ...on('admissionregistration.k8s.io', 'mutatingadmissionpolicies', 'create', 'update', 'patch', 'delete'),
  ...on('*', '*', '*'),
]
