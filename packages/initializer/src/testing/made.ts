/** Pods as they came out of an API server. */
export interface Item {
  readonly name: string
  readonly [field: string]: unknown
}

/** A pod as it came out of the API server. */
export interface MadeSpec {
  readonly volumes: readonly Item[] | undefined
  readonly initContainers: readonly Item[] | undefined
  readonly containers: readonly Item[]
  readonly [field: string]: unknown
}

export const namesIn = (list: readonly Item[] | undefined): string[] => (list ?? []).map(({ name }) => name)
