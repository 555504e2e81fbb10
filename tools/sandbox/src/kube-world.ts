/** The Kubernetes of this sandbox: one node, a few namespaces, and for each program the rights that `deploy/` gives it. */
import { CONFIG_MAPS, type KubeApi, MUTATING_WEBHOOKS, pathOf } from '@pallas/kubernetes'
import type { EmbeddedApiServer, EmbeddedWorld, Rule } from '@pallas/kubernetes/testing'
import { deployedRules, initializerConfigMap, type InjectionOptions, webhookConfiguration } from './manifests.ts'
import { ACCOUNTS, ADMIN_NAMESPACE, ADMIN_USER, LEASES_NAMESPACE, NODE, NODE_USER, ROOTS, userOf, WEBHOOK } from './names.ts'

const NAMESPACES = ['shop', 'media-on--air', 'k8s-admin-kube--system']
const WORKLOAD_ACCOUNTS = ['web', 'orders', 'intruder', 'stranger', 'player']

const core = (users: readonly string[], verbs: readonly string[], resources: readonly string[]): Rule => ({
  users,
  verbs,
  resources,
  apiGroups: [''],
})

/** What any kubelet may do. */
const NODE_RULES: readonly Rule[] = [
  core([NODE_USER], ['get', 'list', 'watch', 'delete'], ['pods']),
  core([NODE_USER], ['patch'], ['pods/status']),
  core([NODE_USER], ['create'], ['serviceaccounts/token']),
  core([NODE_USER], ['get'], ['configmaps']),
  { users: [NODE_USER], verbs: ['create'], resources: ['tokenreviews'], apiGroups: ['authentication.k8s.io'] },
  { users: [NODE_USER], verbs: ['create'], resources: ['subjectaccessreviews'], apiGroups: ['authorization.k8s.io'] },
]

/** What an administrator adds where hosts provide the certificates of agents: tests here show such certificates too. */
const PROVISIONED_RULE = core([userOf('athenz-jwt-service')], ['list'], ['nodes'])

export const kubeWorld: EmbeddedWorld = {
  users: { [NODE_USER]: { groups: ['system:nodes'] }, [ADMIN_USER]: { groups: ['system:masters'] } },
  rules: [...deployedRules(), ...NODE_RULES, PROVISIONED_RULE],
  namespaces: [ADMIN_NAMESPACE, LEASES_NAMESPACE, ...NAMESPACES],
  nodes: [{ name: NODE, addresses: [{ type: 'Hostname', address: NODE }, { type: 'InternalIP', address: '127.0.0.1' }] }],
  serviceAccounts: [
    ...ACCOUNTS.map((name) => ({ namespace: ADMIN_NAMESPACE, name })),
    ...NAMESPACES.flatMap((namespace) => WORKLOAD_ACCOUNTS.map((name) => ({ namespace, name }))),
  ],
}

/** What `kubectl apply` of the initializer's manifests would leave, before the program itself runs. */
export async function deployInitializerConfig(admin: KubeApi, injection: InjectionOptions): Promise<void> {
  await admin.create(pathOf(CONFIG_MAPS, { namespace: ADMIN_NAMESPACE }), initializerConfigMap(injection))
}

/** In every namespace of workloads: whom to trust for ZTS. */
export async function publishRoots(admin: KubeApi, rootsPem: string): Promise<void> {
  const configMap = { metadata: { name: ROOTS.configMap }, data: { [ROOTS.key]: rootsPem } }
  for (const namespace of NAMESPACES) await admin.create(pathOf(CONFIG_MAPS, { namespace }), configMap)
}

export interface Webhook {
  /** `host:port` behind its Service. */
  readonly address: string
  /** Who vouches for its certificate, where it is given one; otherwise it says so itself. */
  readonly rootsPem: string | undefined
}

/** Lets the API server call the initializer for every new pod outside the control plane. */
export async function registerWebhook(api: EmbeddedApiServer, { address, rootsPem }: Webhook): Promise<void> {
  api.endpoints.set(`${ADMIN_NAMESPACE}/${WEBHOOK}`, address)
  await api.client(ADMIN_USER).create(pathOf(MUTATING_WEBHOOKS), webhookConfiguration(rootsPem))
}
