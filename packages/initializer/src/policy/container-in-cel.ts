/** Where a container of a pod is not the one of a template: the twin of `same-part.ts` and `harmless.ts`, field by field. */
import { CONTAINER } from '../api-shapes.ts'
import { LIMITED, RESTRICTED, type Tolerance } from '../harmless.ts'
import { fieldOf, type Fields, isFields, type Named } from '../json.ts'
import { pullPolicyFor } from '../same-part.ts'
import { fieldShape, plain, type Shape } from '../shape.ts'
import { all, any, literal, not, present, quoted, select } from './cel.ts'
import { onlyKeys, sameAs, sameField } from './same-in-cel.ts'

export interface FieldRule {
  /** Of the container; empty: the rest of it. */
  readonly field: string
  readonly holds: string
}

const { fields: SHAPES = {} } = CONTAINER

/** A rule for each field that the template speaks of, and one for all others. */
export function containerRules(template: Named, at: string, tolerance: Tolerance): FieldRule[] {
  const special: Readonly<Record<string, string>> = {
    imagePullPolicy: pullPolicy(template, at),
    env: keyedList(template, at, 'env', 'name', toleratedVariables(tolerance)),
    volumeMounts: keyedList(template, at, 'volumeMounts', 'mountPath', addedMounts(tolerance)),
    ports: ports(template, at),
    securityContext: rights(template, at),
    resources: resources(template, at),
  }
  const holds = (field: string): string => special[field] ?? sameField(template, field, at, fieldShape(SHAPES, field))
  const keys = [...new Set([...Object.keys(template), ...Object.keys(SHAPES), ...Object.keys(special)])]
  // Its name is how it was found.
  const spoken = keys.filter((key) => key !== 'name' && (Object.hasOwn(template, key) || Object.hasOwn(special, key)))
  const rest = all([onlyKeys(at, keys), ...keys.filter((key) => !spoken.includes(key)).map(holds)])
  return [...spoken.map((field) => ({ field, holds: holds(field) })), { field: '', holds: rest }]
}

/** `AlwaysPullImages` overrides what was said. */
function pullPolicy(template: Named, at: string): string {
  const wanted = fieldOf(template, 'imagePullPolicy') || pullPolicyFor(fieldOf(template, 'image'))
  return all([present(at, 'imagePullPolicy'), `${at}.imagePullPolicy in ${literal([...new Set([wanted, 'Always'])])}`])
}

/** The list without what may be added to it is the one of the template. */
function keyedList(template: Fields, at: string, field: string, key: string, isAddition: string): string {
  const shape = fieldShape(SHAPES, field)
  const said = plain(fieldOf(template, field), shape) ?? []
  const list = Array.isArray(said) ? said : []
  const named = list.filter(isFields).map((it) => fieldOf(it, key))
  const kept = isAddition === 'false' ? select(at, field) : `${select(at, field)}.filter(e, ${any([`e.${key} in ${literal(named)}`, not(isAddition)])})`
  const same = list.length === 0 ? `size(${kept}) == 0` : sameAs(list, kept, shape)
  return list.length === 0 ? any([not(present(at, field)), same]) : all([present(at, field), same])
}

const toleratedVariables = ({ toleratedEnv }: Tolerance): string => (toleratedEnv.length === 0 ? 'false' : `e.name in ${literal(toleratedEnv)}`)

const ACCOUNT_TOKEN = '/var/run/secrets/kubernetes.io/serviceaccount'

function addedMounts({ toleratedMounts }: Tolerance): string {
  const token = all([`e.mountPath == ${quoted(ACCOUNT_TOKEN)}`, 'has(e.readOnly)', 'e.readOnly == true', onlyKeys('e', ['name', 'mountPath', 'readOnly'])])
  const unseen = any(['!has(e.mountPropagation)', `e.mountPropagation != 'Bidirectional'`])
  return toleratedMounts.length === 0 ? token : any([token, all([`e.mountPath in ${literal(toleratedMounts)}`, unseen])])
}

/** On its host's network a container's port is one of the host, which the server writes down. */
function ports(template: Fields, at: string): string {
  const shape = fieldShape(SHAPES, 'ports')
  const said = plain(fieldOf(template, 'ports'), shape)
  if (!Array.isArray(said)) return sameField(template, 'ports', at, shape)
  const each = shape.each ?? {}
  const here = said.map((port, index) => {
    const place = `${at}.ports[${index}]`
    if (!isFields(port) || (fieldOf(port, 'hostPort') ?? 0) !== 0) return sameAs(port, place, each)
    const { hostPort: _host, ...fields } = each.fields ?? {}
    const onHost = `has(object.spec.hostNetwork) && object.spec.hostNetwork && ${place}.hostPort == ${place}.containerPort`
    const known = [...new Set([...Object.keys(port), ...Object.keys(fields)])].filter((key) => key !== 'hostPort')
    return all([
      onlyKeys(place, [...known, 'hostPort']),
      ...known.map((key) => sameField(port, key, place, fieldShape(fields, key))),
      any([`!has(${place}.hostPort)`, `${place}.hostPort == 0`, onHost]),
    ])
  })
  return all([present(at, 'ports'), `size(${at}.ports) == ${said.length}`, ...here])
}

/** What only takes rights away may be there, whoever said so. */
const RESTRICTION_RULES: Readonly<Record<(typeof RESTRICTED)[number], (at: string) => string>> = {
  allowPrivilegeEscalation: (at) => `${at} == false`,
  appArmorProfile: (at) => `${at}.type == 'RuntimeDefault'`,
  capabilities: (at) => `${at}.all(c, c == 'drop')`,
  privileged: (at) => `${at} == false`,
  procMount: (at) => `${at} == 'Default'`,
  readOnlyRootFilesystem: (at) => `${at} == true`,
  runAsGroup: (at) => `${at} > 0`,
  runAsNonRoot: (at) => `${at} == true`,
  runAsUser: (at) => `${at} > 0`,
  seLinuxOptions: (at) => `${at}.all(s, s == 'level')`,
  seccompProfile: (at) => `${at}.type == 'RuntimeDefault'`,
}

function rights(template: Fields, at: string): string {
  const said = fieldsIn(template, 'securityContext')
  const context = select(at, 'securityContext')
  const shape = fieldShape(SHAPES, 'securityContext')
  const keys = Object.keys(said)
  const unsaid = RESTRICTED.filter((key) => !keys.includes(key))
  const added = unsaid.map((key) => all([`k == ${quoted(key)}`, RESTRICTION_RULES[key](select(context, key))]))
  const empty = keys.includes('capabilities') ? [] : [all([`k == 'capabilities'`, sameField({}, 'capabilities', context, fieldShape(shape.fields ?? {}, 'capabilities'))])]
  const same = all([onlyKeys(context, keys, [...added, ...empty]), ...keys.map((key) => sameField(said, key, context, fieldShape(shape.fields ?? {}, key)))])
  return keys.length === 0 ? any([not(present(at, 'securityContext')), same]) : all([present(at, 'securityContext'), same])
}

/** What `LimitRanger` sets where nothing is said, and requests that follow from limits. */
function resources(template: Fields, at: string): string {
  const said = fieldsIn(template, 'resources')
  const place = select(at, 'resources')
  const shape: Shape = fieldShape(SHAPES, 'resources')
  const amounts = (key: string): string => {
    const wanted = fieldsIn(said, key)
    const list = select(place, key)
    const each = fieldShape(shape.fields ?? {}, key).each ?? {}
    const members = Object.entries(wanted).map(([name, value]) => all([present(list, name), sameAs(value, select(list, name), each)]))
    const same = all([onlyKeys(list, [...new Set([...Object.keys(wanted), ...LIMITED])]), ...members])
    return members.length === 0 ? any([not(present(place, key)), same]) : all([present(place, key), same])
  }
  const claims = sameField(said, 'claims', place, fieldShape(shape.fields ?? {}, 'claims'))
  const same = all([onlyKeys(place, ['limits', 'requests', 'claims']), amounts('limits'), amounts('requests'), claims])
  return Object.keys(said).length === 0 ? any([not(present(at, 'resources')), same]) : all([present(at, 'resources'), same])
}

function fieldsIn(fields: Fields, key: string): Fields {
  const value = fieldOf(fields, key)
  return isFields(value) ? value : {}
}
