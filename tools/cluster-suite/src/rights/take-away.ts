/** Rights of the suite's accounts, taken out of their roles one by one and put back. */
import { type KubeApi, pathOf, type Place, type Resource } from '@pallas/kubernetes'
import type { Right } from '@pallas/trial'
import { ADMIN_NAMESPACE, LEASES_NAMESPACE } from '../world/names.ts'

interface Rule {
  readonly resources?: readonly string[]
  readonly verbs: readonly string[]
}

interface Role {
  readonly name: string
  readonly path: string
  readonly rules: readonly Rule[]
}

export interface Taken extends AsyncDisposable {
  giveBack(): Promise<void>
}

/** Exactly this verb on this resource is gone when it resolves; all else of the role is as it was. Disposing gives it back too. */
export type TakeAway = (right: Right) => Promise<Taken>

const rbac = (plural: string, kind: string, namespaced: boolean): Resource => ({ group: 'rbac.authorization.k8s.io', version: 'v1', plural, kind, namespaced })
const CLUSTER_ROLES = rbac('clusterroles', 'ClusterRole', false)
const ROLES = rbac('roles', 'Role', true)
const PLACES: readonly (readonly [Resource, Place])[] = [
  [CLUSTER_ROLES, {}],
  [ROLES, { namespace: ADMIN_NAMESPACE }],
  [ROLES, { namespace: LEASES_NAMESPACE }],
]

/** As the roles are now is how they will be again. Several rights of one role may be away at the same time. */
export async function openRights(api: KubeApi): Promise<TakeAway> {
  const roles = await allRoles(api)
  const away = new Set<Right>()
  let writing: Promise<unknown> = Promise.resolve()
  // One after the other: each writes the whole role.
  const write = (role: Role): Promise<unknown> => {
    const rules = () => [...away].filter((right) => roleOf(roles, right) === role).reduce(without, role.rules)
    const written = writing.then(() => api.patch(role.path, { kind: 'merge', patch: { rules: rules() } }))
    writing = written.catch(() => undefined)
    return written
  }
  return async (right) => {
    const role = roleOf(roles, right)
    away.add(right)
    try {
      await write(role)
    } catch (error) {
      // Nobody will give it back, and the next write must not take it.
      away.delete(right)
      throw error
    }
    const giveBack = async (): Promise<void> => {
      if (away.delete(right)) await write(role)
    }
    return { giveBack, [Symbol.asyncDispose]: giveBack }
  }
}

const isOf = ({ verb, resource }: Right, { resources = [], verbs }: Rule): boolean => resources.includes(resource) && verbs.includes(verb)

const without = (rules: readonly Rule[], right: Right): readonly Rule[] =>
  rules.map((rule) => (isOf(right, rule) ? { ...rule, verbs: rule.verbs.filter((verb) => verb !== right.verb) } : rule)).filter(({ verbs }) => verbs.length > 0)

function roleOf(roles: readonly Role[], right: Right): Role {
  const [role, ...more] = roles.filter(({ name, rules }) => name === right.account && rules.some((rule) => isOf(right, rule)))
  if (role === undefined || more.length > 0) throw new Error(`${right.account} is not given ${right.verb} ${right.resource} by exactly one role`)
  return role
}

async function allRoles(api: KubeApi): Promise<Role[]> {
  const lists = await Promise.all(
    PLACES.map(async ([resource, place]) => {
      const { items } = await api.list(pathOf(resource, place))
      return items.map((role) => {
        const name = String(role.metadata['name'])
        return { name, path: pathOf(resource, { ...place, name }), rules: (role['rules'] ?? []) as readonly Rule[] }
      })
    }),
  )
  return lists.flat()
}
