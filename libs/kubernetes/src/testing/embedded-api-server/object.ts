/** API objects while the embedded server works on them: mutable JSON with the metadata that it keeps. */
import { isObject } from '../../json.ts'

export type Json = Record<string, unknown>

export interface Metadata extends Json {
  name: string
  namespace?: string
  generateName?: string
  uid: string
  resourceVersion: string
  generation?: number
  creationTimestamp: string
  deletionTimestamp?: string
  deletionGracePeriodSeconds?: number
  labels?: Record<string, string>
  annotations?: Record<string, string>
}

export interface StoredObject extends Json {
  apiVersion: string
  kind: string
  metadata: Metadata
}

/** The object under a key, made when it is absent: for filling in defaults. */
export function objectAt(parent: Json, key: string): Json {
  const value = parent[key]
  if (isObject(value)) return value
  const made: Json = {}
  parent[key] = made
  return made
}

/** The object under a key; an empty one that belongs to nobody when it is absent. */
export function peekAt(parent: Readonly<Json>, key: string): Json {
  const value = parent[key]
  return isObject(value) ? value : {}
}

/** The objects in the list under a key; none when there is no list. */
export function objectsAt(parent: Readonly<Json>, key: string): Json[] {
  const value = parent[key]
  return Array.isArray(value) ? value.filter(isObject) : []
}

export const textAt = (parent: Readonly<Json>, key: string): string => {
  const value = parent[key]
  return typeof value === 'string' ? value : ''
}

export const labelsOf = (object: Json): Readonly<Record<string, string>> => {
  const labels = peekAt(object, 'metadata')['labels']
  return isObject(labels) ? (labels as Record<string, string>) : {}
}
