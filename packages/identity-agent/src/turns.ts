/**
 * Whose turn it is: namespaces take turns, within a namespace its instances do, and of one instance one thing runs at a
 * time. However long a queue somebody makes, it is their own. Pure: nothing here waits, runs or tells the time.
 */
export interface Whose {
  readonly namespace: string
  readonly instance: string
}

export interface Turn<T, W extends Whose = Whose> {
  readonly whose: W
  readonly item: T
}

export interface TurnsOptions {
  /** So that a namespace whose calls take long leaves room for the others. */
  readonly runningPerNamespace: number
}

interface Lane<T, W extends Whose> {
  readonly waiting: Turn<T, W>[]
  running: boolean
}

interface Namespace<T, W extends Whose> {
  readonly lanes: Map<string, Lane<T, W>>
  /** Instances with something waiting and nothing running, the longest passed over first. */
  ready: string[]
  running: number
  waiting: number
}

export class Turns<T, W extends Whose = Whose> {
  readonly #runningPerNamespace: number
  readonly #namespaces = new Map<string, Namespace<T, W>>()
  /** Namespaces with a ready instance, the longest passed over first. */
  #order: string[] = []
  #size = 0

  constructor({ runningPerNamespace }: TurnsOptions) {
    this.#runningPerNamespace = runningPerNamespace
  }

  /** Running and waiting. */
  get size(): number {
    return this.#size
  }

  /** Running and waiting. */
  sizeOf(name: string): number {
    const { running = 0, waiting = 0 } = this.#namespaces.get(name) ?? {}
    return running + waiting
  }

  add(turn: Turn<T, W>): void {
    const { namespace: name, instance } = turn.whose
    const namespace = this.#namespaces.get(name) ?? { lanes: new Map(), ready: [], running: 0, waiting: 0 }
    const lane = namespace.lanes.get(instance) ?? { waiting: [], running: false }
    this.#namespaces.set(name, namespace)
    namespace.lanes.set(instance, lane)
    namespace.waiting += 1
    this.#size += 1
    if (lane.waiting.push(turn) === 1 && !lane.running) this.#beReady(name, namespace, instance)
  }

  /** The next to begin, which runs until `done`; undefined while nobody may. */
  next(): Turn<T, W> | undefined {
    const name = this.#order.find((it) => (this.#namespaces.get(it)?.running ?? 0) < this.#runningPerNamespace)
    const namespace = this.#namespaces.get(name ?? '')
    const lane = namespace?.lanes.get(namespace.ready.shift() ?? '')
    const turn = lane?.waiting.shift()
    if (name === undefined || namespace === undefined || lane === undefined || turn === undefined) return undefined
    this.#order = this.#order.filter((other) => other !== name)
    if (namespace.ready.length > 0) this.#order.push(name)
    lane.running = true
    namespace.running += 1
    namespace.waiting -= 1
    return turn
  }

  done({ namespace: name, instance }: Whose): void {
    const namespace = this.#namespaces.get(name)
    const lane = namespace?.lanes.get(instance)
    if (namespace === undefined || lane?.running !== true) return
    lane.running = false
    namespace.running -= 1
    this.#size -= 1
    if (lane.waiting.length > 0) this.#beReady(name, namespace, instance)
    else this.#forget(name, namespace, instance)
  }

  /** Takes out the newest turn of the namespace that has most waiting, unless that is no more than this one has. */
  giveWay(asking: string): Turn<T, W> | undefined {
    const [name, namespace] = mostBy(this.#namespaces, ({ waiting }) => waiting) ?? []
    if (name === undefined || namespace === undefined) return undefined
    if (namespace.waiting <= (this.#namespaces.get(asking)?.waiting ?? 0) + 1) return undefined
    const [instance, lane] = mostBy(namespace.lanes, ({ waiting }) => waiting.length) ?? []
    const turn = lane?.waiting.pop()
    if (instance === undefined || lane === undefined || turn === undefined) return undefined
    namespace.waiting -= 1
    this.#size -= 1
    if (lane.waiting.length === 0 && !lane.running) this.#forget(name, namespace, instance)
    return turn
  }

  #beReady(name: string, namespace: Namespace<T, W>, instance: string): void {
    if (namespace.ready.push(instance) === 1) this.#order.push(name)
  }

  #forget(name: string, namespace: Namespace<T, W>, instance: string): void {
    namespace.lanes.delete(instance)
    namespace.ready = namespace.ready.filter((other) => other !== instance)
    if (namespace.ready.length === 0) this.#order = this.#order.filter((other) => other !== name)
    if (namespace.lanes.size === 0) this.#namespaces.delete(name)
  }
}

/** Of equals the one that came last. */
function mostBy<T>(map: ReadonlyMap<string, T>, measure: (it: T) => number): readonly [string, T] | undefined {
  let found: readonly [string, T] | undefined
  for (const entry of map) if (found === undefined || measure(entry[1]) >= measure(found[1])) found = entry
  return found
}
