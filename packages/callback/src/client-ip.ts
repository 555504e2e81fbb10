import type { ClientIpPolicy, Pod } from '@pallas/identity'
import type { Node } from '@pallas/kubernetes'
import type { ClientIpSetting } from './settings.ts'

export interface ClientIpDeps {
  readonly setting: ClientIpSetting
  /** As the API server shows it. Throws `API_UNAVAILABLE`. */
  readonly findNode: (name: string) => Promise<Node | undefined>
}

const DIALLING: ReadonlySet<string> = new Set(['InternalIP', 'ExternalIP'])

/** The policy that holds for one pod: with `node`, the addresses of its node; none for a node that is gone. */
export function createClientIpPolicy({ setting, findNode }: ClientIpDeps): (pod: Pod) => Promise<ClientIpPolicy> {
  return async (pod) => {
    if (setting.kind !== 'node') return setting
    const { addresses = [] } = (await findNode(pod.node)) ?? {}
    return { kind: 'node', addresses: addresses.filter(({ type }) => DIALLING.has(type)).map(({ address }) => address) }
  }
}
