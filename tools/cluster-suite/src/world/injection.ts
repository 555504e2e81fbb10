/** What the initializer puts into pods, changed for a test, and in force when this resolves. */
import { CONFIG_MAPS, isKubernetesError, type KubeApi, pathOf, PODS } from '@pallas/kubernetes'
import { eventually, podManifest, request, type Workloads } from '@pallas/suite'
import { parse, stringify } from 'yaml'
import { ADMIN_NAMESPACE, CONFIG_MAP } from './names.ts'

export interface Injection {
  /** Upper bound of the wait between renewals; unset: half of the certificate's life. */
  readonly refreshInterval?: string
  readonly keyOrigin?: 'pod' | 'agent'
}

const PATH = pathOf(CONFIG_MAPS, { namespace: ADMIN_NAMESPACE, name: CONFIG_MAP })
const KEY = 'init-config'
/** So often in a row, for there are replicas. */
const AGREEING = 10
const PATIENCE_MS = 120_000
/** Those that tests set: taken out before they are put in. */
const OURS = /^--(refresh-interval|key-origin)=/

export async function configureInjection(api: KubeApi, workloads: Workloads, injection: Injection): Promise<void> {
  const { refreshInterval, keyOrigin } = injection
  const origin = keyOrigin === undefined ? [] : [`--key-origin=${keyOrigin}`]
  const interval = refreshInterval === undefined ? [] : [`--refresh-interval=${refreshInterval}`]
  const configMap = (await api.get(PATH)) as unknown as { readonly data: Readonly<Record<string, string>> }
  const config = parse(configMap.data[KEY] ?? '') as Record<string, string>
  const initTemplate = withArgs(config['initTemplate'] ?? '', origin)
  const refreshTemplate = withArgs(config['refreshTemplate'] ?? '', [...origin, ...interval])
  await api.patch(PATH, { kind: 'merge', patch: { data: { [KEY]: stringify({ ...config, initTemplate, refreshTemplate }) } } })
  const wanted = [...origin, ...interval].join()
  let agreeing = 0
  await eventually(
    'the initializers to go by it',
    async () => {
      agreeing = (await refresherArgs(api, workloads)) === wanted ? agreeing + 1 : 0
      return agreeing >= AGREEING ? true : undefined
    },
    PATIENCE_MS,
  )
}

/** An initializer that says it is ready is called once the API server knows its address, which may be a moment later. */
export const untilInjecting = (api: KubeApi, workloads: Workloads): Promise<true> =>
  eventually('an initializer to be called', async () => ((await refresherArgs(api, workloads)) === undefined ? undefined : true), PATIENCE_MS)

interface Container {
  readonly name: string
  readonly args: readonly string[]
}

function withArgs(template: string, more: readonly string[]): string {
  const container = parse(template) as Container
  return stringify({ ...container, args: [...container.args.filter((it) => !OURS.test(it)), ...more] })
}

/**
 * Of a pod that is never made; undefined while nobody can say. While one initializer has read the change and another has not, each
 * refuses what the other injects; and one that has just started may not be known to the API server yet.
 */
async function refresherArgs(api: KubeApi, workloads: Workloads): Promise<string | undefined> {
  const manifest = podManifest({ workloads }, request({ workloads }, 'dry-run'))
  try {
    const made = (await api.create(`${pathOf(PODS, { namespace: 'shop' })}?dryRun=All`, manifest)) as unknown as Made
    return made.spec.initContainers?.find(({ name }) => name === 'sia-refresh')?.args.filter((it) => OURS.test(it)).join()
  } catch (error) {
    if (isKubernetesError(error) && (error.retryable || error.fields['reason'] === 'INJECTION_COLLISION')) return undefined
    throw error
  }
}

interface Made {
  readonly spec: { readonly initContainers?: readonly Container[] }
}
