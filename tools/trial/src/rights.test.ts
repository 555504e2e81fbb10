import { expect, test } from 'vitest'
import { RIGHTS } from './rights.ts'
import { deployed, type Rule } from './testing/deployed.ts'

const rbac = deployed('base').filter(({ file }) => file === 'base/rbac.yaml')
const roles = rbac.filter(({ kind }) => kind === 'Role' || kind === 'ClusterRole')

const only = ({ resourceNames }: Rule): string => (resourceNames === undefined ? '' : `/${resourceNames.join()}`)

const granted = roles.flatMap(({ kind, metadata: { name, namespace }, rules = [] }) =>
  rules.flatMap((rule) => rule.verbs.map((verb) => `${name} ${verb} ${rule.resources.join()}${only(rule)}${kind === 'Role' ? ` in ${namespace}` : ''}`)),
)

test('nobody reads secrets, nobody holds a wildcard, nobody makes or runs pods', () => {
  const all = roles.flatMap(({ rules = [] }) => rules)
  expect(all.flatMap(({ resources }) => resources)).not.toContain('secrets')
  expect(JSON.stringify(all)).not.toContain('*')
  for (const { resources, verbs } of all) {
    if (resources.some((resource) => resource.startsWith('pods'))) expect(verbs.filter((verb) => !['get', 'list', 'watch'].includes(verb))).toEqual([])
    expect(resources).not.toContain('nodes/proxy')
  }
})

test('of the agent: pods of the kubelet, and Events; nothing else of the whole cluster', () => {
  expect(granted.filter((right) => right.startsWith('athenz-identity-agent'))).toEqual(['athenz-identity-agent get nodes/pods', 'athenz-identity-agent create events'])
})

test('every role is bound to the account of its name, and to nobody else', () => {
  const bindings = rbac.filter(({ kind }) => kind.endsWith('Binding')) as unknown as readonly { readonly metadata: { readonly name: string }; readonly roleRef: { readonly name: string }; readonly subjects: unknown }[]
  expect(bindings.length).toBe(roles.length)
  for (const { metadata: { name }, roleRef, subjects } of bindings) {
    expect(roleRef.name).toBe(name)
    expect(subjects).toEqual([{ kind: 'ServiceAccount', name, namespace: 'k8s-admin' }])
  }
})

test('the table of rights is what is granted, no more and no less', () => {
  const given = roles.flatMap(({ metadata: { name }, rules = [] }) => rules.flatMap(({ verbs, resources }) => verbs.map((verb) => `${name} ${verb} ${resources.join()}`)))
  expect(RIGHTS.map(({ account, verb, resource }) => `${account} ${verb} ${resource}`).sort()).toEqual(given.sort())
})
