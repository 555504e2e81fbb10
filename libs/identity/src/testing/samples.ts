import type { NameRules } from '../names.ts'
import type { Pod } from '../pod.ts'

/** A live pod on node `node-1`, with what the test says otherwise. */
export const aPod = (other: Partial<Pod> = {}): Pod => ({
  namespace: 'media-on--air',
  name: 'web-0',
  uid: '4f14e5f4-0d7c-4c58-9c3a-2a7f6a1f0c11',
  serviceAccount: 'web',
  node: 'node-1',
  ip: '10.1.2.3',
  hostNetwork: false,
  phase: 'Running',
  deleting: false,
  annotations: {},
  ...other,
})

export const someNameRules = (other: Partial<NameRules> = {}): NameRules => ({
  adminDomain: 'k8s.admin',
  systemNamespaces: [],
  dnsSuffix: 'svc.cluster.local',
  spiffeForm: 'service',
  trustDomain: 'athenz.io',
  hostNetwork: 'refuse',
  ...other,
})
