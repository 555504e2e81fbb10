/** A pod in an admission review, reduced to what injection decides on. Nothing in it has been checked by anyone. */
import { IdentityError } from '@pallas/identity'
import { fieldOf, type Fields, isFields, isNamed, type Named } from './json.ts'

export interface PodParts {
  readonly annotations: Fields
  /** Undefined: the pod has no such list yet. */
  readonly volumes: readonly Named[] | undefined
  readonly initContainers: readonly Named[] | undefined
  readonly containers: readonly Named[]
  readonly hostNetwork: boolean
  readonly windows: boolean
}

/** A pod as it is injected into. */
export interface ReviewedPod extends PodParts {
  /** It has keys that were not read, `__proto__` for one: nothing that depends on all of its keys can be said of it. */
  readonly hasPrototypeKeys: boolean
}

/** Throws `BODY_INVALID`, `fields.path` naming the field, for what is no pod. */
export function podPartsOf(object: unknown): PodParts {
  if (!isFields(object)) return wrong('object')
  const metadata = fieldsAt(object, 'metadata')
  const spec = fieldOf(object, 'spec')
  if (!isFields(spec)) return wrong('spec')
  return {
    annotations: fieldsAt(metadata, 'annotations'),
    volumes: listAt(spec, 'volumes'),
    initContainers: listAt(spec, 'initContainers'),
    containers: listAt(spec, 'containers') ?? wrong('containers'),
    hostNetwork: fieldOf(spec, 'hostNetwork') === true,
    windows: fieldOf(fieldsAt(spec, 'os'), 'name') === 'windows' || fieldOf(fieldsAt(spec, 'nodeSelector'), 'kubernetes.io/os') === 'windows',
  }
}

function fieldsAt(fields: Fields, name: string): Fields {
  const value = fieldOf(fields, name) ?? {}
  return isFields(value) ? value : wrong(name)
}

function listAt(fields: Fields, name: string): readonly Named[] | undefined {
  const value = fieldOf(fields, name) ?? undefined
  if (value === undefined) return undefined
  return Array.isArray(value) && value.every(isNamed) ? value : wrong(name)
}

function wrong(path: string): never {
  throw new IdentityError('BODY_INVALID', 'the object is not a pod', { path })
}
