import type { KubeApi } from './api.ts'
import { isKubernetesError, KubernetesError } from './error.ts'
import { isObject } from './json.ts'
import { CONFIG_MAPS, pathOf } from './resources.ts'

/** The text under one key of a ConfigMap; undefined when there is no such map or key. */
export async function readConfigMapKey(
  api: Pick<KubeApi, 'get'>,
  { namespace, name, key }: { readonly namespace: string; readonly name: string; readonly key: string },
  signal?: AbortSignal,
): Promise<string | undefined> {
  try {
    const { data } = await api.get(pathOf(CONFIG_MAPS, { namespace, name }), signal)
    if (data === undefined || data === null) return undefined
    const value = isObject(data) && Object.hasOwn(data, key) ? data[key] : undefined
    if (isObject(data) && (value === undefined || typeof value === 'string')) return value
  } catch (error) {
    if (isKubernetesError(error, 'KUBE_NOT_FOUND')) return undefined
    throw error
  }
  throw new KubernetesError('KUBE_BAD_ANSWER', 'not a config map', { fields: { path: 'data' } })
}
