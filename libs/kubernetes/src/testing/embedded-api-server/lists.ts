/** Lists, in pages of one snapshot. */
import { apiVersionOf, type Resource } from '../../resources.ts'
import { badRequest, expired } from './failure.ts'
import type { StoredObject } from './object.ts'
import type { Selector } from './selectors.ts'
import type { Store } from './store.ts'

export interface ListRequest {
  readonly resource: Resource
  readonly namespace: string | undefined
  readonly selects: Selector
  /** Zero: everything. */
  readonly limit: number
  /** From the page before; empty for the first. */
  readonly token: string
}

interface Snapshot {
  readonly revision: number
  readonly rest: readonly StoredObject[]
}

const SNAPSHOT_LIMIT = 100

/** Remembers what is left of each list that was cut, until it is told to forget. */
export class Lists {
  readonly #store: Store
  readonly #snapshots = new Map<string, Snapshot>()

  constructor(store: Store) {
    this.#store = store
  }

  forget(): void {
    this.#snapshots.clear()
  }

  answer({ resource, namespace, selects, limit, token }: ListRequest): object {
    const { revision, rest } = token === '' ? this.#fresh(resource, namespace, selects) : this.#kept(token)
    const page = limit === 0 ? rest : rest.slice(0, limit)
    const left = rest.slice(page.length)
    const more =
      left.length === 0 ? {} : { continue: this.#keep({ revision, rest: left }), remainingItemCount: left.length }
    return {
      kind: `${resource.kind}List`,
      apiVersion: apiVersionOf(resource),
      metadata: { resourceVersion: String(revision), ...more },
      items: page.map(({ kind: _kind, apiVersion: _version, ...item }) => item),
    }
  }

  #fresh(resource: Resource, namespace: string | undefined, selects: Selector): Snapshot {
    return { revision: this.#store.revision, rest: this.#store.list(resource, namespace).filter(selects) }
  }

  #kept(token: string): Snapshot {
    const snapshot = this.#snapshots.get(token)
    if (snapshot !== undefined) return snapshot
    if (!/^[0-9a-f-]{36}$/.test(token)) throw badRequest('continue key is not valid')
    throw expired('The provided continue parameter is too old to display a consistent list result.')
  }

  #keep(snapshot: Snapshot): string {
    const token = crypto.randomUUID()
    this.#snapshots.set(token, snapshot)
    const [oldest] = this.#snapshots.keys()
    if (this.#snapshots.size > SNAPSHOT_LIMIT && oldest !== undefined) this.#snapshots.delete(oldest)
    return token
  }
}
