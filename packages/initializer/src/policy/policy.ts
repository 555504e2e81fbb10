/** The same templates as policies of the API server itself: what the webhook would do, with no webhook running. */
import { VOLUME } from '../api-shapes.ts'
import type { InjectionRules } from '../inject.ts'
import type { Named } from '../json.ts'
import { type Lists, type Part, partsOf, scratchVolume } from '../parts.ts'
import type { Templates } from '../templates.ts'
import { all, any, literal, not, quoted } from './cel.ts'
import { containerRules, type FieldRule } from './container-in-cel.ts'
import { sameAs } from './same-in-cel.ts'

export interface PolicyOptions extends InjectionRules {
  /** Of the policies and their bindings. */
  readonly name: string
  readonly exceptNamespaces: readonly string[]
}

interface Validation {
  readonly expression: string
  readonly message: string
  readonly reason: 'Forbidden'
}

const API = 'admissionregistration.k8s.io/v1'
const LISTS = ['volumes', 'initContainers', 'containers'] as const

/**
 * Three policies, each with its binding: one makes the pods, one refuses those that are not what it makes, whoever changed them, and one
 * warns. Throws nothing: the templates were checked.
 */
export function policiesOf(templates: Templates, options: PolicyOptions): object[] {
  const parts = partsOf(templates, options.sidecar, { ...options, hostNetwork: false })
  const spec = { failurePolicy: 'Fail', matchConstraints: constraints(options.exceptNamespaces) }
  const meant = { asks: asks(templates) }
  const fit = all(unfitness(options).map(({ expression }) => expression))
  const refused = templates.annotationTrigger === '' ? conditions({ fit }) : conditions(meant)
  const validations = [...(templates.annotationTrigger === '' ? [] : unfitness(options)), ...partValidations(parts, templates, options)]
  return [
    made('MutatingAdmissionPolicy', options.name, {
      ...spec,
      reinvocationPolicy: 'IfNeeded',
      matchConditions: conditions({ ...meant, fit }),
      variables: listVariables,
      mutations: mutations(parts, templates, options).map((expression) => ({ patchType: 'JSONPatch', jsonPatch: { expression } })),
    }),
    made('MutatingAdmissionPolicyBinding', options.name, { policyName: options.name }),
    made('ValidatingAdmissionPolicy', options.name, { ...spec, matchConditions: refused, variables: [...listVariables, ...parts.map(partVariable)], validations }),
    made('ValidatingAdmissionPolicyBinding', options.name, { policyName: options.name, validationActions: ['Deny'] }),
    made('ValidatingAdmissionPolicy', `${options.name}-warnings`, { ...spec, failurePolicy: 'Ignore', validations: warnings(templates, options) }),
    made('ValidatingAdmissionPolicyBinding', `${options.name}-warnings`, { policyName: `${options.name}-warnings`, validationActions: ['Warn'] }),
  ]
}

const conditions = (expressions: Readonly<Record<string, string>>): object[] =>
  Object.entries(expressions).flatMap(([name, expression]) => (expression === 'true' ? [] : [{ name, expression }]))

const made = (kind: string, name: string, spec: object): object => ({ apiVersion: API, kind, metadata: { name }, spec })

const constraints = (exceptNamespaces: readonly string[]): object => ({
  resourceRules: [{ operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'], scope: 'Namespaced' }],
  namespaceSelector: { matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'NotIn', values: exceptNamespaces }] },
})

const ANNOTATIONS = 'object.metadata.annotations'

const asks = ({ annotationTrigger: key }: Templates): string =>
  key === '' ? 'true' : all([`has(${ANNOTATIONS})`, `${quoted(key)} in ${ANNOTATIONS}`, `${ANNOTATIONS}[${quoted(key)}] == 'true'`])

const SPEC = 'object.spec'
const IS_WINDOWS = any([
  all([`has(${SPEC}.os)`, `${SPEC}.os.name == 'windows'`]),
  all([`has(${SPEC}.nodeSelector)`, `'kubernetes.io/os' in ${SPEC}.nodeSelector`, `${SPEC}.nodeSelector['kubernetes.io/os'] == 'windows'`]),
])
const IS_ON_HOST = all([`has(${SPEC}.hostNetwork)`, `${SPEC}.hostNetwork`])

/** Pods that get nothing, whoever asks. */
const unfitness = ({ hostNetwork }: Pick<PolicyOptions, 'hostNetwork'>): Validation[] => [
  refusal(not(IS_WINDOWS), 'windows pods get no athenz identity (POD_UNSUPPORTED)'),
  ...(hostNetwork === 'refuse' ? [refusal(not(IS_ON_HOST), "pods on their host's network get no athenz identity (HOST_NETWORK_REFUSED)")] : []),
]

const refusal = (expression: string, message: string): Validation => ({ expression, message, reason: 'Forbidden' })

/** The lists of the pod, dynamic so that fields that nobody knows yet are seen. */
const listVariables = LISTS.map((list) => ({ name: list, expression: `has(object.spec.${list}) ? dyn(object.spec.${list}) : dyn([])` }))
const LIST: Lists<string> = { volumes: 'variables.volumes', initContainers: 'variables.initContainers', containers: 'variables.containers' }

const variableOf = ({ template, list }: Part): string => `${list === 'volumes' ? 'volume' : 'container'}_${template.name.replaceAll('-', '_')}`
const named = (name: string, as = 'c'): string => `${as}.name == ${quoted(name)}`

const partVariable = (part: Part) => ({ name: variableOf(part), expression: `${LIST[part.list]}.filter(c, ${named(part.template.name)})` })

const rulesOf = (part: Part, at: string, options: PolicyOptions): readonly FieldRule[] =>
  part.list === 'volumes' ? [{ field: '', holds: sameAs(part.template, at, VOLUME) }] : containerRules(part.template, at, options)

function partValidations(parts: readonly Part[], { scratch }: Templates, options: PolicyOptions): Validation[] {
  const there = parts.map((part) => {
    const others = part.list === 'volumes' ? [] : (['initContainers', 'containers'] as const).filter((list) => list !== part.list)
    const nowhereElse = others.map((list) => `!${LIST[list]}.exists(c, ${named(part.template.name)})`)
    return refusal(all([`size(variables.${variableOf(part)}) == 1`, ...nowhereElse]), `the pod lacks ${part.title}, or has it twice or in another list (INJECTION_COLLISION)`)
  })
  const same = parts.flatMap((part) =>
    rulesOf(part, 'c', options).map(({ field, holds }) => {
      const where = field === '' ? ' in a field that is not in the template' : ` at ${field}`
      return refusal(`variables.${variableOf(part)}.all(c, ${holds})`, `${part.title} differs from the one that is injected${part.list === 'volumes' ? '' : where} (INJECTION_COLLISION)`)
    }),
  )
  const emptyDirs = scratch.map((name) => refusal(`variables.volumes.exists(v, ${named(name, 'v')} && has(v.emptyDir))`, `volume "${name}" must be an emptyDir (INJECTION_COLLISION)`))
  return [...there, ...same, ...emptyDirs]
}

/** What others should know, and nobody is stopped for. */
function warnings({ annotationTrigger: key }: Templates, options: PolicyOptions): Validation[] {
  if (key === '') return unfitness(options)
  const clear = any([`!has(${ANNOTATIONS})`, `!(${quoted(key)} in ${ANNOTATIONS})`, `${ANNOTATIONS}[${quoted(key)}] in ['true', 'false']`])
  return [refusal(clear, `the pod gets no athenz identity: ${key} is not "true"`)]
}

/** In their order: first what is removed, then what is put before the rest; neither does anything to a pod that is as it should be. */
function mutations(parts: readonly Part[], templates: Templates, options: PolicyOptions): string[] {
  const removals = templates.removeImages.length === 0 ? [] : (['initContainers', 'containers'] as const).map((list) => removal(list, parts, templates, options))
  const names = parts.filter(({ list }) => list !== 'volumes').map(({ template }) => template.name)
  const volumes = parts.filter(({ list }) => list === 'volumes').map(({ template }) => template.name)
  const isBare = all([
    ...(['initContainers', 'containers'] as const).map((list) => `!${LIST[list]}.exists(c, c.name in ${literal(names)})`),
    `!variables.volumes.exists(v, v.name in ${literal(volumes)})`,
  ])
  const patches = LISTS.flatMap((list) => additions(list, parts, list === 'volumes' ? templates.scratch : []))
  return [...removals, `${isBare} ? ${patches.join('\n+ ')}\n: []`]
}

function additions(list: keyof Lists, parts: readonly Part[], scratch: readonly string[]): string[] {
  const first = parts.filter((part) => part.list === list).map(({ template }, index) => operation('add', `/spec/${list}/${index}`, template))
  if (first.length === 0) return []
  const last = scratch.map((name) => `(variables.volumes.exists(v, ${named(name, 'v')}) ? [] : [${operation('add', `/spec/${list}/-`, scratchVolume(name))}])`)
  return [`(has(object.spec.${list}) ? [] : [${operation('add', `/spec/${list}`, [])}])`, `[${first.join(', ')}]`, ...last]
}

const operation = (op: string, path: string, value: Named | object): string => `JSONPatch{op: ${quoted(op)}, path: ${quoted(path)}, value: ${literal(value)}}`

/** From the front: each index less what went before it. */
function removal(list: 'initContainers' | 'containers', parts: readonly Part[], { removeImages }: Templates, options: PolicyOptions): string {
  const untagged = `c.image.split('@')[0]`
  const slash = `${untagged}.lastIndexOf('/') + 1`
  const name = `${untagged}.substring(0, ${slash}) + ${untagged}.substring(${slash}).split(':')[0]`
  const ours = parts
    .filter((part) => part.list !== 'volumes')
    .map((part) => all([named(part.template.name), ...rulesOf(part, 'c', options).map(({ holds }) => holds)]))
  const goes = all(['has(c.image)', `${name} in ${literal(removeImages)}`, not(any(ours))])
  return `${LIST[list]}.transformList(i, c, ${goes}, i).transformList(n, i, JSONPatch{op: 'remove', path: '/spec/${list}/' + string(i - n)})`
}
