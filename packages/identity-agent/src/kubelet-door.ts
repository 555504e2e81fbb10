/** The kubelet of this node, from the settings: its address, its roots, our token. */
import { readFile } from 'node:fs/promises'
import { ConfigError } from '@pallas/config'
import { createKubelet, fileToken, type Kubelet, type KubeletTrust } from '@pallas/kubernetes'
import type { Clock } from '@pallas/host'
import type { AgentEvents } from './events.ts'
import { expandVariables } from './expand.ts'
import { SOURCE } from './pods.ts'
import type { IdentityAgentSettings } from './settings.ts'

export interface KubeletDoorDeps {
  /** Told when nothing proves that it is the kubelet who answers, and of each pod in its answer that is none. */
  readonly events: Pick<AgentEvents, 'weakened' | 'podUnreadable'>
  readonly env: Readonly<Record<string, string | undefined>>
  readonly clock: Clock
  /** Addresses of this host, as it knows them itself. */
  readonly ownAddresses: () => readonly string[]
}

type Settings = Pick<
  IdentityAgentSettings,
  'podEndpoint' | 'podServiceTimeout' | 'kubeletTokenFile' | 'kubeletReadOnlyPort' | 'kubeletCa' | 'nodeName'
>

/** Throws `ConfigError` for an endpoint that cannot be used. */
export async function openKubelet(settings: Settings, deps: KubeletDoorDeps): Promise<Kubelet & AsyncDisposable> {
  const { env, clock, events, ownAddresses } = deps
  const url = parseUrl(expandVariables(settings.podEndpoint, env), settings)
  if (settings.kubeletReadOnlyPort) mustBeHere(url, settings, ownAddresses())
  const trust = await trustOf(settings, url)
  if ('plain' in trust) events.weakened('kubelet-read-only-port')
  if ('insecureLoopback' in trust) events.weakened('kubelet-unverified')
  return createKubelet({
    url,
    token: fileToken({ path: settings.kubeletTokenFile, clock }),
    trust,
    clock,
    onMalformed: (error, pod) => events.podUnreadable(error, pod),
    timeoutMs: settings.podServiceTimeout,
    annotations: [SOURCE],
  })
}

function parseUrl(text: string, { kubeletReadOnlyPort }: Settings): URL {
  const url = URL.parse(text)
  const protocol = kubeletReadOnlyPort ? 'http:' : 'https:'
  if (url?.protocol === protocol) return url
  throw new ConfigError([
    kubeletReadOnlyPort
      ? '--pod-endpoint (POD_ENDPOINT) must be an http URL with --kubelet-read-only-port'
      : '--pod-endpoint (POD_ENDPOINT) must be an https URL: the read-only port proves nothing (--kubelet-read-only-port)',
  ])
}

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/

/** Nothing proves who answers at the read-only port: at least the question stays on this node. */
function mustBeHere({ hostname }: URL, { nodeName }: Settings, own: readonly string[]): void {
  const isNode = nodeName !== undefined && hostname === nodeName.toLowerCase()
  if (isNode || LOOPBACK.test(hostname) || own.includes(hostname.replaceAll(/[[\]]/g, ''))) return
  throw new ConfigError([
    '--kubelet-read-only-port needs a --pod-endpoint on this node: a loopback address, one of this host, or --node-name',
  ])
}

/** A kubelet behind a loopback address proves its node's name, where roots and name are known. */
async function trustOf({ kubeletCa, nodeName }: Settings, { hostname, protocol }: URL): Promise<KubeletTrust> {
  if (protocol === 'http:') return { plain: true }
  const isLoopback = LOOPBACK.test(hostname)
  if (kubeletCa !== undefined) {
    const ca = await readFile(kubeletCa, 'utf8')
    return isLoopback && nodeName !== undefined && nodeName !== '' ? { ca, serverName: nodeName } : { ca }
  }
  if (isLoopback) return { insecureLoopback: true }
  throw new ConfigError(['--kubelet-ca (IDENTITY_AGENT_KUBELET_CA) is required: the kubelet is not on loopback'])
}
