/** Objects with one rising resource version, as etcd gives them, and the history that watches read. */
import type { Resource } from '../../resources.ts'
import { formatTime } from '../../times.ts'
import { alreadyExists, conflict, MODIFIED, notFound } from './failure.ts'
import type { Json, StoredObject } from './object.ts'

export interface StoreEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'
  readonly resource: string
  readonly revision: number
  readonly object: StoredObject
  /** As it was before; undefined for a new one. */
  readonly previous: StoredObject | undefined
}

export interface StoreOptions {
  readonly now: () => number
  /** How many changes a watch can look back. */
  readonly historyLimit: number
}

export interface ObjectKey {
  readonly namespace: string | undefined
  readonly name: string
}

const keyOf = (resource: Resource, { namespace = '', name }: ObjectKey): string =>
  `${resource.group}/${resource.plural}/${namespace}/${name}`

export class Store {
  readonly #options: StoreOptions
  readonly #objects = new Map<string, StoredObject>()
  readonly #listeners = new Set<(event: StoreEvent) => void>()
  #history: StoreEvent[] = []
  #revision = 1

  constructor(options: StoreOptions) {
    this.#options = options
  }

  get revision(): number {
    return this.#revision
  }

  find(resource: Resource, key: ObjectKey): StoredObject | undefined {
    return this.#objects.get(keyOf(resource, key))
  }

  /** A copy of its own; throws 404. */
  get(resource: Resource, key: ObjectKey): StoredObject {
    const found = this.find(resource, key)
    if (found === undefined) throw notFound(resource, key.name)
    return structuredClone(found)
  }

  /** In the order of namespace and name. */
  list(resource: Resource, namespace?: string): readonly StoredObject[] {
    const prefix = `${resource.group}/${resource.plural}/${namespace === undefined ? '' : `${namespace}/`}`
    const found = [...this.#objects].filter(([key]) => key.startsWith(prefix))
    return found.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, object]) => object)
  }

  /** Gives it uid, version and creation time; throws 409 AlreadyExists. */
  create(resource: Resource, object: Json & { metadata: Json & { name: string; namespace?: string } }): StoredObject {
    const { name, namespace } = object.metadata
    if (this.find(resource, { name, namespace }) !== undefined) throw alreadyExists(resource, name)
    const metadata = {
      ...object.metadata,
      uid: crypto.randomUUID(),
      resourceVersion: '',
      creationTimestamp: formatTime(this.#options.now()),
    }
    const made: Json = { ...object, metadata }
    return this.#write('ADDED', resource, made as StoredObject, undefined)
  }

  /** Replaces it; throws 404, and 409 unless `expected` is its version or empty. No change makes no new version. */
  update(resource: Resource, object: StoredObject, expected = ''): StoredObject {
    const { name, namespace } = object.metadata
    const before = this.get(resource, { name, namespace })
    if (expected !== '' && expected !== before.metadata.resourceVersion) throw conflict(resource, name, MODIFIED)
    const { uid, creationTimestamp, resourceVersion } = before.metadata
    const after = { ...object, metadata: { ...object.metadata, uid, creationTimestamp, resourceVersion } }
    if (JSON.stringify(after) === JSON.stringify(before)) return before
    return this.#write('MODIFIED', resource, after, before)
  }

  remove(resource: Resource, key: ObjectKey): StoredObject {
    const before = this.get(resource, key)
    return this.#write('DELETED', resource, structuredClone(before), before)
  }

  /** Changes after `revision`, or undefined when that is too long ago to know them all. */
  since(revision: number): readonly StoreEvent[] | undefined {
    const oldest = this.#history[0]?.revision ?? this.#revision + 1
    if (revision < oldest - 1) return undefined
    return this.#history.filter((event) => event.revision > revision)
  }

  forgetHistory(): void {
    this.#history = []
  }

  subscribe(listener: (event: StoreEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #write(type: StoreEvent['type'], resource: Resource, object: StoredObject, previous: StoredObject | undefined) {
    this.#revision++
    object.metadata.resourceVersion = String(this.#revision)
    const key = keyOf(resource, { namespace: object.metadata.namespace, name: object.metadata.name })
    if (type === 'DELETED') this.#objects.delete(key)
    else this.#objects.set(key, object)
    const event = { type, resource: `${resource.group}/${resource.plural}`, revision: this.#revision, object, previous }
    this.#history.push(event)
    if (this.#history.length > this.#options.historyLimit) this.#history.shift()
    for (const listener of this.#listeners) listener(event)
    return structuredClone(object)
  }
}
