import type { Node } from './memory-tree.ts'

/** Who of all processes holds what; shared by the processes of one machine. */
export type LockTable = Map<Node, Set<Hold>>

interface Hold {
  readonly kind: 'shared' | 'exclusive'
  readonly owner: MemoryLocks
}

/** The locks that one process of a machine in memory holds. */
export class MemoryLocks {
  readonly #table: LockTable

  constructor(table: LockTable) {
    this.#table = table
  }

  take(node: Node, kind: 'shared' | 'exclusive'): AsyncDisposable | undefined {
    const holds = this.#table.get(node) ?? new Set<Hold>()
    const excluded = kind === 'exclusive' ? holds.size > 0 : [...holds].some((hold) => hold.kind === 'exclusive')
    if (excluded) return undefined
    const hold: Hold = { kind, owner: this }
    this.#table.set(node, holds.add(hold))
    return { [Symbol.asyncDispose]: async () => void holds.delete(hold) }
  }

  /** What the kernel does when a process ends. */
  dropAll(): void {
    for (const holds of this.#table.values()) {
      for (const hold of holds) if (hold.owner === this) holds.delete(hold)
    }
  }
}
