/** Clients of the cluster that is up, with tokens for whoever a test wants to be. */
import { readFile } from 'node:fs/promises'
import { createKubeApi, isKubernetesError, type KubeApi, NAMESPACES, pathOf, type Resource, SERVICE_ACCOUNTS } from '@pallas/kubernetes'
import { type Cluster, describeCluster } from '@pallas/real-cluster'
import { eventually } from '@pallas/suite'
import { apply, kubectl } from './kubectl.ts'

/** Where the accounts of the tests themselves live. */
const HOME = 'pallas-suite'
const ADMIN = 'administrator'
/** On what is not in the namespace. */
const OURS = { key: 'suite.pallas/home', value: HOME } as const
const TOKEN_LIFE = '2h'
const CALL_TIMEOUT_MS = 30_000

const CLUSTER_ROLE_BINDINGS: Resource = { group: 'rbac.authorization.k8s.io', version: 'v1', plural: 'clusterrolebindings', kind: 'ClusterRoleBinding', namespaced: false }

export interface ClusterClients extends AsyncDisposable {
  readonly cluster: Cluster
  readonly caPem: string
  readonly admin: KubeApi
  /** Another account of the tests' own, with no rights unless given some. */
  tokenOf(account: string): Promise<string>
  as(token: string): KubeApi
}

export async function openClients(): Promise<ClusterClients> {
  await using scope = new AsyncDisposableStack()
  const cluster = await describeCluster()
  const caPem = await readFile(cluster.caFile, 'utf8')
  await makeHome()
  const client = (token: string) => createKubeApi({ server: new URL(cluster.apiServer), ca: caPem, token: () => Promise.resolve(token), timeoutMs: CALL_TIMEOUT_MS })
  const admin = scope.use(client(await mintToken(ADMIN)))
  const tokenOf = async (account: string): Promise<string> => {
    await orExisting(admin.create(pathOf(SERVICE_ACCOUNTS, { namespace: HOME }), { metadata: { name: account } }))
    return mintToken(account)
  }
  const parts = scope.move()
  return {
    cluster,
    caPem,
    admin,
    tokenOf,
    as: (token) => parts.use(client(token)),
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  }
}

/** An account that may do everything, made by the only one who can until then. */
async function makeHome(): Promise<void> {
  await apply([
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: HOME } },
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: ADMIN, namespace: HOME } },
    binding(ADMIN, 'cluster-admin'),
  ])
}

/** With the accounts, what they were given. */
export async function removeHome(): Promise<void> {
  await kubectl(['delete', 'clusterrolebindings', `--selector=${OURS.key}=${OURS.value}`])
  await kubectl(['delete', 'namespace', HOME, '--ignore-not-found', '--timeout=50s'])
}

/** Gives an account of the tests' own a ClusterRole. */
export const bind = ({ admin }: Pick<ClusterClients, 'admin'>, account: string, role: string): Promise<void> =>
  orExisting(admin.create(pathOf(CLUSTER_ROLE_BINDINGS), binding(account, role)))

const binding = (account: string, role: string): object => ({
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'ClusterRoleBinding',
  metadata: { name: `${HOME}-${account}`, labels: { [OURS.key]: OURS.value } },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
  subjects: [{ kind: 'ServiceAccount', name: account, namespace: HOME }],
})

const mintToken = async (account: string): Promise<string> =>
  (await kubectl(['create', 'token', account, `--namespace=${HOME}`, `--duration=${TOKEN_LIFE}`])).trim()

async function orExisting(creating: Promise<unknown>): Promise<void> {
  try {
    await creating
  } catch (error) {
    if (!isKubernetesError(error) || error.code !== 'KUBE_EXISTS') throw error
  }
}

/** A new namespace in which pods can be made; disposing deletes it, and waits for nothing. */
export async function newNamespace(admin: KubeApi, labels: Readonly<Record<string, string>> = {}): Promise<AsyncDisposable & { readonly name: string }> {
  const made = await admin.create(pathOf(NAMESPACES), { metadata: { generateName: 'pallas-suite-', labels } })
  const name = String(made.metadata['name'])
  await eventually(`the default account of ${name}`, () =>
    admin.get(pathOf(SERVICE_ACCOUNTS, { namespace: name, name: 'default' })).catch(() => undefined),
  )
  return { name, [Symbol.asyncDispose]: () => admin.delete(pathOf(NAMESPACES, { name })) }
}
