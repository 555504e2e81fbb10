/** One line of a watch as an event. */
import { KubernetesError } from './error.ts'
import { isObject, type JsonObject, parseJson } from './json.ts'
import { errorOfStatus } from './status.ts'

/** An API object as it came: only `metadata` is known to be there. */
export type KubeObject = JsonObject & { readonly metadata: JsonObject }

export type WatchEvent =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: KubeObject; readonly resourceVersion: string }
  | { readonly type: 'BOOKMARK'; readonly resourceVersion: string }

/** Throws what an `ERROR` event says (`KUBE_GONE` for an expired version); `KUBE_BAD_ANSWER` for anything unknown. */
export function parseWatchEvent(line: string): WatchEvent {
  const event = parseJson(line)
  if (!isObject(event)) throw bad('a line of the watch is not a json object')
  const { type, object } = event
  if (type === 'ERROR') throw errorOfStatus(isObject(object) ? object : {})
  const seen = kubeObjectOf(object)
  const resourceVersion = seen?.metadata['resourceVersion']
  if (seen === undefined || typeof resourceVersion !== 'string' || resourceVersion === '') {
    throw bad('an event of the watch has no object with a version')
  }
  if (type === 'BOOKMARK') return { type, resourceVersion }
  if (type === 'ADDED' || type === 'MODIFIED' || type === 'DELETED') return { type, object: seen, resourceVersion }
  throw bad('an event of the watch has an unknown type')
}

export function kubeObjectOf(value: unknown): KubeObject | undefined {
  return isObject(value) && isObject(value['metadata']) ? (value as KubeObject) : undefined
}

const bad = (message: string) => new KubernetesError('KUBE_BAD_ANSWER', message)
