/** The Kubernetes of this sandbox: one node, a few namespaces, and for each program the least rights it can do with. */
import { CONFIG_MAPS, type KubeApi, MUTATING_WEBHOOKS, pathOf } from '@pallas/kubernetes'
import type { EmbeddedWorld, Rule } from '@pallas/kubernetes/testing'
import { initializerConfig, type InjectionOptions } from './injection.ts'
import { ACCOUNTS, ADMIN_NAMESPACE, ADMIN_USER, CONFIG_MAP, NODE, NODE_USER, userOf } from './names.ts'

const NAMESPACES = ['shop', 'media-on--air', 'k8s-admin-kube--system']
const WORKLOAD_ACCOUNTS = ['web', 'orders', 'intruder', 'stranger', 'player']

const core = (users: readonly string[], verbs: readonly string[], resources: readonly string[], more: Partial<Rule> = {}): Rule => ({
  users,
  verbs,
  resources,
  apiGroups: [''],
  ...more,
})

const RULES: readonly Rule[] = [
  core([userOf('athenz-identity-agent')], ['get'], ['nodes/pods']),
  core([userOf('athenz-jwt-service')], ['get'], ['pods']),
  core([userOf('athenz-jwt-service')], ['get', 'list'], ['nodes']),
  core([userOf('athenz-callback')], ['get', 'list', 'watch'], ['pods']),
  {
    users: [userOf('athenz-callback')],
    verbs: ['create', 'get', 'list', 'delete'],
    resources: ['leases'],
    apiGroups: ['coordination.k8s.io'],
    namespaces: [ADMIN_NAMESPACE],
  },
  core([userOf('athenz-initializer')], ['get'], ['configmaps'], { namespaces: [ADMIN_NAMESPACE], resourceNames: [CONFIG_MAP] }),
  core([NODE_USER], ['get', 'list', 'watch', 'delete'], ['pods']),
  core([NODE_USER], ['patch'], ['pods/status']),
  core([NODE_USER], ['create'], ['serviceaccounts/token']),
  core([NODE_USER], ['get'], ['configmaps']),
  { users: [NODE_USER], verbs: ['create'], resources: ['tokenreviews'], apiGroups: ['authentication.k8s.io'] },
  { users: [NODE_USER], verbs: ['create'], resources: ['subjectaccessreviews'], apiGroups: ['authorization.k8s.io'] },
]

export const kubeWorld: EmbeddedWorld = {
  users: { [NODE_USER]: { groups: ['system:nodes'] }, [ADMIN_USER]: { groups: ['system:masters'] } },
  rules: RULES,
  namespaces: [ADMIN_NAMESPACE, ...NAMESPACES],
  nodes: [{ name: NODE, addresses: [{ type: 'Hostname', address: NODE }, { type: 'InternalIP', address: '127.0.0.1' }] }],
  serviceAccounts: [
    ...ACCOUNTS.map((name) => ({ namespace: ADMIN_NAMESPACE, name })),
    ...NAMESPACES.flatMap((namespace) => WORKLOAD_ACCOUNTS.map((name) => ({ namespace, name }))),
  ],
}

/** What `kubectl apply` of the initializer's manifests would leave, before the program itself runs. */
export async function deployInitializerConfig(admin: KubeApi, injection: InjectionOptions): Promise<void> {
  const metadata = { namespace: ADMIN_NAMESPACE, name: CONFIG_MAP }
  await admin.create(pathOf(CONFIG_MAPS, { namespace: ADMIN_NAMESPACE }), { metadata, data: initializerConfig(injection) })
}

/** Lets the API server call the initializer for every new pod outside the control plane. */
export async function registerWebhook(admin: KubeApi, { url, caPem }: { readonly url: string; readonly caPem: string }): Promise<void> {
  const selector = { key: 'kubernetes.io/metadata.name', operator: 'NotIn', values: [ADMIN_NAMESPACE, 'kube-system'] }
  const webhook = {
    name: 'athenz.initializer.kubernetes.io',
    clientConfig: { url, caBundle: Buffer.from(caPem).toString('base64') },
    rules: [{ operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'], scope: 'Namespaced' }],
    failurePolicy: 'Fail',
    namespaceSelector: { matchExpressions: [selector] },
    sideEffects: 'None',
    timeoutSeconds: 5,
    admissionReviewVersions: ['v1'],
    reinvocationPolicy: 'IfNeeded',
  }
  await admin.create(pathOf(MUTATING_WEBHOOKS), { metadata: { name: 'athenz-initializer' }, webhooks: [webhook] })
}
