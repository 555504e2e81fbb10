/** What an API server checks of an object before it stores it, as far as the suite's objects can get it wrong. */
import { isIP } from 'node:net'
import { isDeepStrictEqual } from 'node:util'
import { isObject } from '../../json.ts'
import { NAMESPACES, NODES, PODS, type Resource, SERVICE_ACCOUNTS } from '../../resources.ts'
import { type FieldProblem, invalid } from './failure.ts'
import { type Json, objectsAt, peekAt, type StoredObject, textAt } from './object.ts'

const SUBDOMAIN = /^(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/
const LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/
const LABEL_KEY = /^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/
const LABEL_VALUE = /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/

const SUBDOMAIN_DETAIL =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and " +
  "end with an alphanumeric character (e.g. 'example.com', regex used for validation is " +
  "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
const LABEL_DETAIL =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end " +
  "with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is " +
  "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"

/** Throws 422 with every problem. */
export function validate(resource: Resource, object: StoredObject): void {
  const problems = [...metadataProblems(resource, object), ...(resource === PODS ? podProblems(object) : [])]
  if (problems.length > 0) throw invalid(resource, object.metadata.name, problems)
}

function metadataProblems(resource: Resource, { metadata }: StoredObject): FieldProblem[] {
  const { name, labels = {}, annotations = {} } = metadata
  const isLabel = resource === NAMESPACES
  const fits = (isLabel ? LABEL : SUBDOMAIN).test(name)
  const detail = isLabel ? LABEL_DETAIL : SUBDOMAIN_DETAIL
  return [
    ...(fits ? [] : [{ field: 'metadata.name', problem: 'Invalid value', value: name, detail } as const]),
    ...mapProblems('metadata.labels', labels, LABEL_VALUE),
    ...mapProblems('metadata.annotations', annotations, /^/),
  ]
}

function mapProblems(field: string, map: unknown, form: RegExp): FieldProblem[] {
  if (!isObject(map)) return [{ field, problem: 'Invalid value', value: 'not a map' }]
  return Object.entries(map).flatMap(([key, value]): FieldProblem[] => {
    if (!LABEL_KEY.test(key)) return [{ field, problem: 'Invalid value', value: key }]
    return typeof value === 'string' && form.test(value)
      ? []
      : [{ field, problem: 'Invalid value', value: String(value) }]
  })
}

function podProblems(pod: StoredObject): FieldProblem[] {
  const spec = peekAt(pod, 'spec')
  const volumes = objectsAt(spec, 'volumes')
  const volumeNames = new Set(volumes.map((volume) => textAt(volume, 'name')))
  const init = objectsAt(spec, 'initContainers')
  const containers = objectsAt(spec, 'containers')
  const podIP = textAt(peekAt(pod, 'status'), 'podIP')
  return [
    ...(containers.length === 0 ? [{ field: 'spec.containers', problem: 'Required value' } as const] : []),
    ...listProblems('spec.volumes', volumes, []),
    ...volumes.flatMap((it, i) => sourceProblems(`spec.volumes[${i}]`, it)),
    ...listProblems('spec.containers', containers, []),
    ...listProblems('spec.initContainers', init, containers),
    ...containers.flatMap((it, i) => containerProblems(`spec.containers[${i}]`, it, volumeNames)),
    ...init.flatMap((it, i) => containerProblems(`spec.initContainers[${i}]`, it, volumeNames)),
    ...init.flatMap((it, i) => restartProblems(`spec.initContainers[${i}].restartPolicy`, it)),
    ...(podIP === '' || isIP(podIP) > 0
      ? []
      : [{ field: 'status.podIP', problem: 'Invalid value', value: podIP } as const]),
  ]
}

/** Names are needed, are labels, and are unique in their list and among `others`. */
function listProblems(field: string, items: readonly Json[], others: readonly Json[]): FieldProblem[] {
  const seen = new Set(others.map((other) => textAt(other, 'name')))
  return items.flatMap((item, i): FieldProblem[] => {
    const at = `${field}[${i}].name`
    const name = textAt(item, 'name')
    if (name === '') return [{ field: at, problem: 'Required value' }]
    if (!LABEL.test(name)) return [{ field: at, problem: 'Invalid value', value: name, detail: LABEL_DETAIL }]
    if (seen.has(name)) return [{ field: at, problem: 'Duplicate value', value: name }]
    seen.add(name)
    return []
  })
}

/** Every field of a volume besides its name is a source. */
function sourceProblems(field: string, volume: Json): FieldProblem[] {
  const [, more] = Object.keys(volume).filter((key) => key !== 'name')
  if (more === undefined) return []
  return [{ field: `${field}.${more}`, problem: 'Forbidden', detail: 'may not specify more than 1 volume type' }]
}

/** Of what runs before the others only what is always restarted may say so. */
function restartProblems(field: string, container: Json): FieldProblem[] {
  if (container['restartPolicy'] === undefined) return []
  const value = textAt(container, 'restartPolicy')
  return value === 'Always' ? [] : [{ field, problem: 'Invalid value', value }]
}

function containerProblems(field: string, container: Json, volumes: ReadonlySet<string>): FieldProblem[] {
  const paths = new Set<string>()
  const mounts = objectsAt(container, 'volumeMounts').flatMap((mount, i): FieldProblem[] => {
    const at = `${field}.volumeMounts[${i}]`
    const path = textAt(mount, 'mountPath')
    const name = textAt(mount, 'name')
    const problems: FieldProblem[] = []
    if (!volumes.has(name)) problems.push({ field: `${at}.name`, problem: 'Not found', value: name })
    if (path === '') problems.push({ field: `${at}.mountPath`, problem: 'Required value' })
    if (paths.has(path))
      problems.push({ field: `${at}.mountPath`, problem: 'Invalid value', value: path, detail: 'must be unique' })
    paths.add(path)
    return problems
  })
  const image: FieldProblem[] =
    textAt(container, 'image') === '' ? [{ field: `${field}.image`, problem: 'Required value' }] : []
  const env = objectsAt(container, 'env').flatMap((variable, i): FieldProblem[] => {
    const value = textAt(variable, 'name')
    const at = `${field}.env[${i}].name`
    if (value === '') return [{ field: at, problem: 'Required value' }]
    return /^[ -<>-~]+$/.test(value) ? [] : [{ field: at, problem: 'Invalid value', value }]
  })
  return [...image, ...mounts, ...env]
}

const POD_UPDATE =
  'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,' +
  '`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),' +
  '`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)'

/** What may not change in an update; throws 422. */
export function validateUpdate(resource: Resource, after: StoredObject, before: StoredObject): void {
  const { name } = before.metadata
  const { uid } = after.metadata
  if (uid !== '' && uid !== before.metadata.uid) {
    throw invalid(resource, name, [
      { field: 'metadata.uid', problem: 'Invalid value', value: uid, detail: 'field is immutable' },
    ])
  }
  if (resource === PODS && !isDeepStrictEqual(withoutImages(after), withoutImages(before))) {
    throw invalid(resource, name, [{ field: 'spec', problem: 'Forbidden', detail: POD_UPDATE }])
  }
}

function withoutImages(pod: StoredObject): Json {
  const spec = structuredClone(peekAt(pod, 'spec'))
  for (const list of ['containers', 'initContainers']) for (const it of objectsAt(spec, list)) delete it['image']
  delete spec['tolerations']
  delete spec['activeDeadlineSeconds']
  return spec
}

/** Kinds with a status of their own: changed only through `/status`. */
export const hasStatus = (resource: Resource): boolean =>
  resource === PODS || resource === NODES || resource === NAMESPACES

/** Kinds whose `metadata.generation` counts the changes of their spec. */
export const hasGeneration = (resource: Resource): boolean => resource !== SERVICE_ACCOUNTS && hasStatus(resource)
