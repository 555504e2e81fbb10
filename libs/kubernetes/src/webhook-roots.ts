/** The roots by which the API server knows its webhooks: `caBundle` of each webhook of one configuration, and nothing else of it. */
import type { KubeApi } from './api.ts'
import { isKubernetesError, KubernetesError } from './error.ts'
import { fieldsOf, isObject } from './json.ts'
import { MUTATING_WEBHOOKS, pathOf } from './resources.ts'
import type { KubeObject } from './watch-events.ts'

export interface WebhookRoots {
  /** Of the whole configuration. */
  readonly resourceVersion: string
  /** PEM as it stands there, byte by byte in Latin-1, for each webhook in its order; empty where there is none. */
  readonly bundles: readonly string[]
}

/** Undefined: there is no mutating webhook configuration of that name. */
export async function readWebhookRoots(api: Pick<KubeApi, 'get'>, name: string, signal?: AbortSignal): Promise<WebhookRoots | undefined> {
  try {
    return rootsOf(await api.get(pathOf(MUTATING_WEBHOOKS, { name }), signal))
  } catch (error) {
    if (isKubernetesError(error, 'KUBE_NOT_FOUND')) return undefined
    throw error
  }
}

/**
 * Writes the bundles that are others than those that were seen, if nobody has changed the configuration since. False: somebody
 * has, and nothing was written.
 */
export async function replaceWebhookRoots(
  api: Pick<KubeApi, 'get' | 'patch'>,
  name: string,
  { seen, bundles }: { readonly seen: WebhookRoots; readonly bundles: readonly string[] },
  signal?: AbortSignal,
): Promise<boolean> {
  const path = pathOf(MUTATING_WEBHOOKS, { name })
  const changes = bundles.flatMap((bundle, index) =>
    bundle === seen.bundles[index] ? [] : [{ op: 'add', path: `/webhooks/${index}/clientConfig/caBundle`, value: base64Of(bundle) }],
  )
  if (changes.length === 0) return true
  const isSeen = { op: 'test', path: '/metadata/resourceVersion', value: seen.resourceVersion }
  try {
    await api.patch(path, { kind: 'json', patch: [isSeen, ...changes] }, signal)
    return true
  } catch (error) {
    if (isKubernetesError(error, 'KUBE_CONFLICT')) return false
    // A test that fails and a patch that is refused are the same status.
    if (!isKubernetesError(error, 'KUBE_INVALID')) throw error
    const now = await readWebhookRoots(api, name, signal)
    if (now?.resourceVersion === seen.resourceVersion) throw error
    return false
  }
}

function rootsOf({ metadata, ...configuration }: KubeObject): WebhookRoots {
  const { text } = fieldsOf(metadata, 'metadata', wrong)
  const { list } = fieldsOf(configuration, '', wrong)
  const bundles = list('webhooks').map((webhook, index) => {
    const at = `webhooks[${index}]`
    if (!isObject(webhook)) return wrong(at)
    const { clientConfig = {} } = webhook
    if (!isObject(clientConfig)) return wrong(`${at}.clientConfig`)
    return Buffer.from(fieldsOf(clientConfig, `${at}.clientConfig`, wrong).text('caBundle'), 'base64').toString('latin1')
  })
  return { resourceVersion: text('resourceVersion') || wrong('metadata.resourceVersion'), bundles }
}

const base64Of = (bundle: string): string => Buffer.from(bundle, 'latin1').toString('base64')

function wrong(path: string): never {
  throw new KubernetesError('KUBE_BAD_ANSWER', 'not a webhook configuration', { fields: { path } })
}
