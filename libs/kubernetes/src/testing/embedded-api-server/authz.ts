/** Who may do what: role-based rules in one table, evaluated as a real server does, with its words for a refusal. */
import type { Resource } from '../../resources.ts'
import type { User } from './authn.ts'
import { forbidden } from './failure.ts'

/** One rule for some users or groups: cluster-wide, or in the namespaces it names. `*` stands for all. */
export interface Rule {
  readonly users?: readonly string[]
  readonly groups?: readonly string[]
  /** Absent: everywhere, and for what lies in no namespace. */
  readonly namespaces?: readonly string[]
  readonly verbs: readonly string[]
  readonly apiGroups: readonly string[]
  /** `pods`, `pods/status`, `nodes/pods`, `*`. */
  readonly resources: readonly string[]
  /** Absent: all. */
  readonly resourceNames?: readonly string[]
}

export interface Attributes {
  readonly verb: string
  readonly group: string
  /** Plural. */
  readonly resource: string
  readonly subresource: string
  readonly name: string
  /** Empty: cluster scope, or all namespaces. */
  readonly namespace: string
}

const has = (list: readonly string[], wanted: string): boolean => list.includes('*') || list.includes(wanted)

export function isAllowed(rules: readonly Rule[], user: User, attributes: Attributes): boolean {
  if (user.groups.includes('system:masters')) return true
  return rules.some((rule) => isFor(rule, user) && covers(rule, attributes))
}

const isFor = ({ users = [], groups = [] }: Rule, user: User): boolean =>
  users.includes(user.username) || groups.some((group) => user.groups.includes(group))

function covers(rule: Rule, { verb, group, resource, subresource, name, namespace }: Attributes): boolean {
  if (rule.namespaces !== undefined && !rule.namespaces.includes(namespace)) return false
  if (rule.resourceNames !== undefined && !rule.resourceNames.includes(name)) return false
  const wanted = subresource === '' ? resource : `${resource}/${subresource}`
  const named = has(rule.resources, wanted) || (subresource !== '' && rule.resources.includes(`*/${subresource}`))
  return has(rule.verbs, verb) && has(rule.apiGroups, group) && named
}

/** Throws 403 in the words of a real server. */
export function authorize(rules: readonly Rule[], user: User, attributes: Attributes, resource: Resource): void {
  if (isAllowed(rules, user, attributes)) return
  const { verb, group, subresource, name, namespace } = attributes
  const full = subresource === '' ? attributes.resource : `${attributes.resource}/${subresource}`
  const scope = namespace === '' ? 'at the cluster scope' : `in the namespace "${namespace}"`
  throw forbidden(
    resource,
    name,
    `User "${user.username}" cannot ${verb} resource "${full}" in API group "${group}" ${scope}`,
  )
}
