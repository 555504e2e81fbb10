/** The pods that a watch knows, by UID and by name, and what changes when it learns more. */
import type { Pod } from '@pallas/identity'

/** What one piece of news means: `gone` first, then `pods`. */
export interface PodChanges {
  readonly gone: readonly Pod[]
  /** New or changed. */
  readonly pods: readonly Pod[]
}

const nameOf = ({ namespace, name }: Pick<Pod, 'namespace' | 'name'>): string => `${namespace}/${name}`

export class PodStore {
  readonly #byUid = new Map<string, Pod>()
  readonly #byName = new Map<string, Pod>()

  get size(): number {
    return this.#byUid.size
  }

  all(): readonly Pod[] {
    return [...this.#byUid.values()]
  }

  byUid(uid: string): Pod | undefined {
    return this.#byUid.get(uid)
  }

  byName(namespace: string, name: string): Pod | undefined {
    return this.#byName.get(nameOf({ namespace, name }))
  }

  /** A pod was seen. Another pod that had its name is gone, even if nobody said so. */
  put(pod: Pod): PodChanges {
    const before = this.#byName.get(nameOf(pod))
    const gone = before !== undefined && before.uid !== pod.uid ? this.#drop(before) : []
    this.#byUid.set(pod.uid, pod)
    this.#byName.set(nameOf(pod), pod)
    return { gone, pods: [pod] }
  }

  /** A pod was said to be deleted: told once, and with what was known last. */
  remove(uid: string): PodChanges {
    const known = this.#byUid.get(uid)
    return { gone: known === undefined ? [] : this.#drop(known), pods: [] }
  }

  /** A whole list: what is not in it, by UID, is gone, whatever happened while nobody watched. */
  replaceAll(pods: readonly Pod[]): PodChanges {
    const listed = new Set(pods.map(({ uid }) => uid))
    const gone = this.all().filter(({ uid }) => !listed.has(uid))
    for (const pod of gone) this.#drop(pod)
    const replaced = pods.flatMap((pod) => this.put(pod).gone)
    return { gone: [...gone, ...replaced], pods }
  }

  #drop(pod: Pod): readonly Pod[] {
    this.#byUid.delete(pod.uid)
    if (this.#byName.get(nameOf(pod))?.uid === pod.uid) this.#byName.delete(nameOf(pod))
    return [pod]
  }
}
