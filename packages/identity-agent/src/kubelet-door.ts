/** The kubelet of this node, from the settings: its address, its roots, our token. */
import { readFile } from 'node:fs/promises'
import { ConfigError } from '@pallas/config'
import { createKubelet, fileToken, type Kubelet, type KubeletTrust } from '@pallas/kubernetes'
import type { Clock } from '@pallas/host'
import { expandVariables } from './expand.ts'
import type { IdentityAgentSettings } from './settings.ts'

export interface KubeletDoorDeps {
  /** Told when nothing proves that it is the kubelet who answers. */
  readonly weakened: (mode: 'kubelet-unverified') => void
  /** Told of each pod in the kubelet's answer that is none. */
  readonly onMalformed: (error: unknown, pod: string) => void
  readonly env: Readonly<Record<string, string | undefined>>
  readonly clock: Clock
}

type Settings = Pick<
  IdentityAgentSettings,
  'podEndpoint' | 'podServiceTimeout' | 'kubeletTokenFile' | 'kubeletCa' | 'nodeName'
>

/** Throws `ConfigError` for an endpoint that cannot be used. */
export async function openKubelet(settings: Settings, deps: KubeletDoorDeps): Promise<Kubelet & AsyncDisposable> {
  const { env, clock, weakened, onMalformed } = deps
  const url = parseUrl(expandVariables(settings.podEndpoint, env))
  const trust = await trustOf(settings, url)
  if ('insecureLoopback' in trust) weakened('kubelet-unverified')
  return createKubelet({
    url,
    token: fileToken({ path: settings.kubeletTokenFile, clock }),
    trust,
    clock,
    onMalformed,
    timeoutMs: settings.podServiceTimeout,
  })
}

function parseUrl(text: string): URL {
  const url = URL.parse(text)
  if (url?.protocol === 'https:') return url
  throw new ConfigError(['--pod-endpoint (POD_ENDPOINT) must be an https URL: the read-only port proves nothing'])
}

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/

/** A kubelet behind a loopback address proves its node's name, where roots and name are known. */
async function trustOf({ kubeletCa, nodeName }: Settings, { hostname }: URL): Promise<KubeletTrust> {
  const isLoopback = LOOPBACK.test(hostname)
  if (kubeletCa !== undefined) {
    const ca = await readFile(kubeletCa, 'utf8')
    return isLoopback && nodeName !== undefined && nodeName !== '' ? { ca, serverName: nodeName } : { ca }
  }
  if (isLoopback) return { insecureLoopback: true }
  throw new ConfigError(['--kubelet-ca (IDENTITY_AGENT_KUBELET_CA) is required: the kubelet is not on loopback'])
}
