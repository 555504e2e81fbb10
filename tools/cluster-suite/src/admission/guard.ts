/** `deploy/base/webhook-guard.yaml` under a name of the test's own: it holds for the account of this name wherever it lives. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { REPOSITORY } from '@pallas/build'
import { parseAllDocuments } from 'yaml'
import { apply, kubectl } from '../kubectl.ts'

/** Of the initializer's account. */
export const ACCOUNT = 'athenz-initializer'

interface Manifest {
  readonly kind: string
  readonly metadata: { readonly name: string }
}

export async function applyGuard(name: string): Promise<AsyncDisposable> {
  const text = await readFile(join(REPOSITORY, 'deploy/base/webhook-guard.yaml'), 'utf8')
  const manifests = parseAllDocuments(text.replaceAll('athenz-initializer-ca-bundle', name)).map((document) => document.toJS() as Manifest)
  await apply(manifests)
  return { [Symbol.asyncDispose]: async () => void (await kubectl(['delete', '--ignore-not-found', 'validatingadmissionpolicybinding,validatingadmissionpolicy', name])) }
}

/** An account as the initializer's, with the right of `deploy/base/rbac.yaml` to the configuration of this name; resolves to its token. */
export async function allow({ name, namespace }: { readonly name: string; readonly namespace: string }, scope: AsyncDisposableStack): Promise<string> {
  const [apiVersion, apiGroup] = ['rbac.authorization.k8s.io/v1', 'rbac.authorization.k8s.io']
  const rules = [{ apiGroups: ['admissionregistration.k8s.io'], resources: ['mutatingwebhookconfigurations'], resourceNames: [name], verbs: ['get', 'patch'] }]
  const subjects = [{ kind: 'ServiceAccount', name: ACCOUNT, namespace }]
  scope.defer(async () => void (await kubectl(['delete', '--ignore-not-found', 'clusterrole,clusterrolebinding', name])))
  await apply([
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: ACCOUNT, namespace } },
    { apiVersion, kind: 'ClusterRole', metadata: { name }, rules },
    { apiVersion, kind: 'ClusterRoleBinding', metadata: { name }, roleRef: { apiGroup, kind: 'ClusterRole', name }, subjects },
  ])
  return (await kubectl(['create', 'token', ACCOUNT, `--namespace=${namespace}`, '--duration=1h'])).trim()
}
