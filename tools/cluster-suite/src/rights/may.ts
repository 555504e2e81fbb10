/** Whether an account may do something, by the word of the API server. */
import { type KubeApi, pathOf, SUBJECT_ACCESS_REVIEWS } from '@pallas/kubernetes'

export interface Deed {
  readonly verb: string
  /** With its subresource, as in rules: `nodes/pods`. */
  readonly resource: string
  readonly group?: string
  /** All of them when absent. */
  readonly namespace?: string
}

export interface Account {
  readonly namespace: string
  readonly name: string
}

export async function may(api: Pick<KubeApi, 'create'>, { namespace, name }: Account, deed: Deed): Promise<boolean> {
  const [resource, subresource] = deed.resource.split('/')
  const resourceAttributes = { verb: deed.verb, group: deed.group ?? '', resource, ...(subresource === undefined ? {} : { subresource }), ...(deed.namespace === undefined ? {} : { namespace: deed.namespace }) }
  const groups = ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated']
  const review = { apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview', spec: { user: `system:serviceaccount:${namespace}:${name}`, groups, resourceAttributes } }
  const { status } = (await api.create(pathOf(SUBJECT_ACCESS_REVIEWS), review)) as unknown as { readonly status: { readonly allowed: boolean } }
  return status.allowed
}
