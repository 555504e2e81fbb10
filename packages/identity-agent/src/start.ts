/** The composition root: makes every part in order; disposing the result unmakes them in reverse. */
import { networkInterfaces } from 'node:os'
import type { Clock } from '@pallas/host'
import { nodeHost, peerOf, pinPeer } from '@pallas/linux'
import type { Logger, Metrics } from '@pallas/runtime'
import { openConfigFile, startAdmin } from '@pallas/service'
import type { ClusterConfig } from '@pallas/wire/cluster-config'
import { followClusterConfig } from '@pallas/wire/follow-cluster-config'
import { createZtsClient } from '@pallas/zts'
import type { Peers } from './attest.ts'
import { type AgentEvents, createEvents } from './events.ts'
import { installDriver } from './install-driver.ts'
import { openJwtDoor } from './jwt-door.ts'
import { openKubelet } from './kubelet-door.ts'
import { openProcesses } from './processes.ts'
import { createPodEventQueue } from './pod-events.ts'
import { openPodEvents } from './record-pod-events.ts'
import { startServing } from './serve.ts'
import type { IdentityAgentSettings } from './settings.ts'

export interface IdentityAgentDeps {
  readonly clock: Clock
  readonly log: Logger
  readonly metrics: Metrics
  /** For the variables in `--pod-endpoint`. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** Effective user: owner, besides root, whose volumes are believed. */
  readonly ownUid: number
  readonly version: string
}

export interface IdentityAgent extends AsyncDisposable {
  /** Of healthz, readyz and metrics. */
  readonly adminUrl: string
}

const ownAddresses = (): readonly string[] =>
  Object.values(networkInterfaces()).flatMap((addresses = []) => addresses.map(({ address }) => address))

const kernel: Peers = { credentials: peerOf, pin: pinPeer }

export async function startIdentityAgent(
  settings: IdentityAgentSettings,
  deps: IdentityAgentDeps,
): Promise<IdentityAgent> {
  const { clock, log, metrics, env, ownUid } = deps
  await using scope = new AsyncDisposableStack()
  const podEvents = createPodEventQueue({ clock, onDropped: () => events.podEventEnded('dropped') })
  const events = createEvents({ log, metrics, clock, podEvents })
  const config = scope.use(await openConfigFile({ path: settings.config, parse: followClusterConfig(), clock, log, metrics }))
  const { driverSource: source, driverTarget: target } = settings

  if (target !== '') events.driverInstalled(target, await installDriver({ source, target, ownUid }))
  const kubelet = scope.use(await openKubelet(settings, { env, clock, events, ownAddresses }))
  scope.use(await openPodEvents(settings, { queue: podEvents, kubelet, clock, events, host: settings.nodeName }))
  const cluster = () => config.current()
  const zts = scope.use(openZts(cluster, settings.ztsTimeout, deps, events))
  const { keys } = nodeHost()
  const jwt = scope.use(await openJwtDoor(settings, { config, kubelet, zts, keys, clock, log, metrics, events }))
  const { documents } = jwt
  const processes = openProcesses(settings.procRoot)
  const doors = { clock, log, events, keys, peers: kernel, processes, kubelet, documents, zts, ownUid }
  const serving = scope.use(await startServing(settings, cluster, doors))

  metrics.gauge({ name: 'volumes', help: 'Volumes served.', collect: () => serving.volumes })
  const checks = {
    attestation: () => serving.attestationProblem(),
    certificate: jwt.problem,
    volumes: () => serving.volumesProblem(),
  }
  const admin = scope.use(await startAdmin({ listen: settings.adminListen, checks, metrics, log, clock }))
  events.started({ count: serving.volumes, url: admin.url, path: settings.volumesDir })
  scope.defer(() => events.stopping())

  const parts = scope.move()
  return { adminUrl: admin.url, [Symbol.asyncDispose]: () => parts.disposeAsync() }
}

/** Asked under the name that the agent began with; its roots are those of the moment. */
function openZts(config: () => ClusterConfig, timeoutMs: number, { clock, version }: IdentityAgentDeps, events: AgentEvents) {
  const { ztsEndpoint, providerService } = config()
  const roots = () => config().trustRoots.athenz
  const userAgent = `SIA-${providerService} ${version}`
  return createZtsClient({ endpoint: new URL(ztsEndpoint), roots, timeoutMs, userAgent, clock, onTime: (time) => events.ztsTold(time) })
}
