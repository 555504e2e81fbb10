/** One right of an account of the suite, taken out of its role and put back. */
import { type KubeApi, type KubeObject, pathOf, type Place, type Resource } from '@pallas/kubernetes'
import type { Right } from '@pallas/trial'
import { ADMIN_NAMESPACE, LEASES_NAMESPACE } from '../world/names.ts'

interface Rule {
  readonly resources?: readonly string[]
  readonly verbs: readonly string[]
}

interface Role {
  readonly path: string
  readonly rules: readonly Rule[]
}

export interface Taken extends AsyncDisposable {
  giveBack(): Promise<void>
}

const rbac = (plural: string, kind: string, namespaced: boolean): Resource => ({ group: 'rbac.authorization.k8s.io', version: 'v1', plural, kind, namespaced })
const CLUSTER_ROLES = rbac('clusterroles', 'ClusterRole', false)
const ROLES = rbac('roles', 'Role', true)
const PLACES: readonly (readonly [Resource, Place])[] = [
  [CLUSTER_ROLES, {}],
  [ROLES, { namespace: ADMIN_NAMESPACE }],
  [ROLES, { namespace: LEASES_NAMESPACE }],
]

/** Exactly this verb on this resource is gone when it resolves; all else of the role stays. Disposing gives it back too. */
export async function takeAway(api: KubeApi, { account, verb, resource }: Right): Promise<Taken> {
  const isIt = ({ resources = [], verbs }: Rule): boolean => resources.includes(resource) && verbs.includes(verb)
  const [role, ...more] = (await rolesNamed(api, account)).filter(({ rules }) => rules.some(isIt))
  if (role === undefined || more.length > 0) throw new Error(`${account} is not given ${verb} ${resource} by exactly one role`)
  const put = (rules: readonly Rule[]): Promise<KubeObject> => api.patch(role.path, { kind: 'merge', patch: { rules } })
  const less = role.rules.map((rule) => (isIt(rule) ? { ...rule, verbs: rule.verbs.filter((it) => it !== verb) } : rule))
  await put(less.filter(({ verbs }) => verbs.length > 0))
  let isAway = true
  const giveBack = async (): Promise<void> => {
    if (isAway) await put(role.rules)
    isAway = false
  }
  return { giveBack, [Symbol.asyncDispose]: giveBack }
}

async function rolesNamed(api: KubeApi, name: string): Promise<Role[]> {
  const lists = await Promise.all(
    PLACES.map(async ([resource, place]) => {
      const { items } = await api.list(pathOf(resource, place))
      return items.filter(({ metadata }) => metadata['name'] === name).map((role) => ({ path: pathOf(resource, { ...place, name }), rules: role['rules'] as readonly Rule[] }))
    }),
  )
  return lists.flat()
}
