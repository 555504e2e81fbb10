/** What the initializer puts into pods, changed for a test, and in force when this resolves. */
import { CONFIG_MAPS, type KubeApi, pathOf, PODS } from '@pallas/kubernetes'
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
  await eventually('the initializer to go by it', async () => ((await refresherArgs(api, workloads)).join() === [...origin, ...interval].join() ? true : undefined), 120_000)
}

interface Container {
  readonly name: string
  readonly args: readonly string[]
}

function withArgs(template: string, more: readonly string[]): string {
  const container = parse(template) as Container
  return stringify({ ...container, args: [...container.args.filter((it) => !OURS.test(it)), ...more] })
}

/** Of a pod that is never made. Two initializers may differ for a moment: the caller asks again. */
async function refresherArgs(api: KubeApi, workloads: Workloads): Promise<string[]> {
  const manifest = podManifest({ workloads }, request({ workloads }, 'dry-run'))
  const made = (await api.create(`${pathOf(PODS, { namespace: 'shop' })}?dryRun=All`, manifest)) as unknown as { readonly spec: { readonly initContainers?: readonly Container[] } }
  return (made.spec.initContainers ?? []).find(({ name }) => name === 'sia-refresh')?.args.filter((it) => OURS.test(it)) ?? []
}
