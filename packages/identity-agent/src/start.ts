/** The composition root: makes every part in order; disposing the result unmakes them in reverse. */
import type { Clock } from '@pallas/host'
import { nodeHost, peerOf, pinPeer } from '@pallas/linux'
import { type Logger, type Metrics, openWatchedFile } from '@pallas/runtime'
import { clientDispatcher, openTlsFiles, ownCertificate, startAdmin } from '@pallas/service'
import { type ClusterConfig, parseClusterConfig } from '@pallas/wire/cluster-config'
import { createZtsClient } from '@pallas/zts'
import type { Peers } from './attest.ts'
import { createDocuments } from './documents.ts'
import { type AgentEvents, createEvents } from './events.ts'
import { createFollowedZts } from './followed-zts.ts'
import { installDriver } from './install-driver.ts'
import { openKubelet } from './kubelet-door.ts'
import { openProcesses } from './processes.ts'
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

const kernel: Peers = { credentials: peerOf, pin: pinPeer }

export async function startIdentityAgent(
  settings: IdentityAgentSettings,
  deps: IdentityAgentDeps,
): Promise<IdentityAgent> {
  const { clock, log, metrics, env, ownUid } = deps
  await using scope = new AsyncDisposableStack()
  const events = createEvents({ log, metrics, clock })
  const cluster = scope.use(await followCluster(settings, deps, events))
  const { driverSource: source, driverTarget: target } = settings

  if (target !== '') events.driverInstalled(target, await installDriver({ source, target }))
  const kubelet = scope.use(await openKubelet(settings, { env, clock, events }))
  const { tls } = cluster
  const { jwtServerName: serverName } = settings
  const dispatcher = scope.use(clientDispatcher(serverName === undefined ? { tls } : { tls, serverName }))
  const endpoint = new URL(settings.jwtEndpoint)
  const documents = createDocuments({ endpoint, dispatcher, timeoutMs: settings.jwtServiceTimeout })
  const zts = scope.use(followZts(cluster.config, settings, deps, events))
  const { keys } = nodeHost()
  const processes = openProcesses(settings.procRoot)
  const doors = { clock, log, events, keys, peers: kernel, processes, kubelet, documents, zts, ownUid }
  const serving = scope.use(await startServing(settings, cluster.config, doors))

  metrics.gauge({ name: 'volumes', help: 'Volumes served.', collect: () => serving.volumes })
  const checks = {
    attestation: () => serving.attestationProblem(),
    certificate: ownCertificate({ tls, clock, metrics }),
    volumes: () => serving.volumesProblem(),
  }
  const admin = scope.use(await startAdmin({ listen: settings.adminListen, checks, metrics, log, clock }))
  events.started({ count: serving.volumes, url: admin.url, path: settings.volumesDir })
  scope.defer(() => events.stopping())

  const parts = scope.move()
  return { adminUrl: admin.url, [Symbol.asyncDispose]: () => parts.disposeAsync() }
}

/** The cluster's configuration, and our own credentials with the roots that it names: both as of now. */
async function followCluster({ config: path, key, cert }: IdentityAgentSettings, deps: IdentityAgentDeps, events: AgentEvents) {
  const { clock, log } = deps
  await using scope = new AsyncDisposableStack()
  const onChange = () => events.configFollowed()
  const onFailure = (error: unknown) => events.configNotFollowed(error)
  const file = scope.use(await openWatchedFile({ path, parse: parseClusterConfig, clock, onChange, onFailure }))
  const ca = { pem: () => file.current().trustRoots.athenzService }
  const tls = scope.use(await openTlsFiles({ keyFile: key, certFile: cert, ca, log, clock }))
  scope.defer(file.onChange(() => void tls.reload()))
  const parts = scope.move()
  return { config: () => file.current(), tls, [Symbol.asyncDispose]: () => parts.disposeAsync() }
}

const followZts = (config: () => ClusterConfig, { ztsTimeout: timeoutMs }: IdentityAgentSettings, deps: IdentityAgentDeps, events: AgentEvents) =>
  createFollowedZts({
    config,
    open: ({ ztsEndpoint, providerService }) =>
      createZtsClient({
        endpoint: new URL(ztsEndpoint),
        roots: () => config().trustRoots.athenz,
        timeoutMs,
        userAgent: `SIA-${providerService} ${deps.version}`,
        clock: deps.clock,
        onTime: (time) => events.ztsTold(time),
      }),
  })
