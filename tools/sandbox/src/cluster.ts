/**
 * The whole suite on one machine: embedded ZTS and API server, a kubelet that runs real processes, and the real programs.
 *
 * Everything is made in the order in which a cluster's administrator would do it, and unmade in reverse.
 */
import { systemClock } from '@pallas/runtime'
import { type KubeApi } from '@pallas/kubernetes'
import { type EmbeddedApiServer, startEmbeddedApiServer } from '@pallas/kubernetes/testing'
import { type EmbeddedZts, startEmbeddedZts, type ZtsWorld } from '@pallas/zts/testing'
import { openAgentPod } from './agent-pod.ts'
import { athenzWorld } from './athenz-world.ts'
import { type Clocks, createClocks, TRUE_CLOCKS } from './clocks.ts'
import { writeClusterConfig } from './cluster-config.ts'
import { type ControlPlane, startControlPlane } from './control-plane.ts'
import { installDriver } from './driver.ts'
import type { ClusterEvents, Timed } from './events.ts'
import { deployInitializerConfig, kubeWorld, publishRoots, registerWebhook } from './kube-world.ts'
import type { InjectionOptions } from './manifests.ts'
import { ADMIN_USER, AGENT, NODE, SIGNING_KEY, WEBHOOK_NAME, ZTS_NAME } from './names.ts'
import type { Isolation } from './namespace.ts'
import { type Node, startNode } from './node.ts'
import { createPki, type Pki } from './pki.ts'
import { freePorts } from './ports.ts'
import type { Home, Ports, ProgramContext } from './programs.ts'
import { openReaper } from './reaper.ts'
import { openState, type State } from './state.ts'
import { writeTokens } from './tokens.ts'

export interface ClusterOptions extends Partial<InjectionOptions> {
  readonly isolation: Isolation
  readonly events?: ClusterEvents
  /** Where the agent's own identity comes from; by default the token of its pod. */
  readonly agentIdentity?: 'token' | 'provisioned'
  /** Where the certificate of the webhook comes from; by default it makes one itself. */
  readonly webhookCertificate?: 'own' | 'provisioned'
  /** How many callbacks and JWT services run; ZTS and the agent use the first until told otherwise. */
  readonly replicas?: 1 | 2
  /** Longest call of ZTS by the agent. */
  readonly ztsTimeout?: string
  /** Where driver and SIA run; on Node by default. */
  readonly home?: Home
  /** Whether the wall clocks of the programs can be set wrong. */
  readonly shiftableClocks?: boolean
  /** Upper bound of the wait between renewals of the control plane's own identities; by default that of the pods. */
  readonly controlRefreshInterval?: string
  /** The longest life of a workload's certificate, as its Athenz domain says; unset: no bound. */
  readonly certificateMinutes?: number
  /** Aborts the start; a cluster that is up is ended by disposing it. */
  readonly signal?: AbortSignal | undefined
}

export interface Cluster extends AsyncDisposable {
  readonly state: State
  readonly pki: Pki
  readonly isolation: Isolation
  readonly ports: Ports
  readonly world: ZtsWorld
  readonly zts: EmbeddedZts
  readonly api: EmbeddedApiServer
  /** As an administrator. */
  readonly admin: KubeApi
  readonly controlPlane: ControlPlane
  readonly node: Node
  readonly context: ProgramContext
  readonly clocks: Clocks
}

const PORTS = [
  'jwtService',
  'jwtServiceAdmin',
  'jwtService2',
  'jwtService2Admin',
  'callback',
  'callbackAdmin',
  'callback2',
  'callback2Admin',
  'initializer',
  'initializerAdmin',
  'agentAdmin',
] as const

export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const { isolation, events = {}, refreshInterval = '', replicas = 1, home = 'node', webhookCertificate = 'own', certificateMinutes, signal } = options
  await using scope = new AsyncDisposableStack()
  const timed = stopwatch(events)
  const state = scope.use(openState())
  const reaper = scope.use(openReaper(state.dir))
  const clocks = options.shiftableClocks === true ? createClocks(state.clocks) : TRUE_CLOCKS
  const ports = await freePorts(PORTS)
  const pki = await createPki({ dir: state.pki, nodeName: NODE, ztsName: ZTS_NAME, agentName: AGENT, signingKeyName: SIGNING_KEY, webhookName: WEBHOOK_NAME })

  const keys = { callback: pki.serviceKey('athenz-callback'), jwtService: pki.serviceKey('athenz-jwt-service') }
  const world = athenzWorld(`https://127.0.0.1:${ports.callback}`, keys, certificateMinutes)
  const zts = scope.use(await timed('zts', startZts(pki, world, events)))
  const api = scope.use(await timed('api server', startApi(pki, events)))
  const admin = api.client(ADMIN_USER)
  await deployInitializerConfig(admin, { refreshInterval, keyOrigin: options.keyOrigin ?? 'pod', initTimeout: options.initTimeout ?? '' })
  await registerWebhook(api, { address: `127.0.0.1:${ports.initializer}`, rootsPem: webhookCertificate === 'own' ? undefined : pki.kubernetesCa.chainPem })
  await publishRoots(admin, pki.ztsCa.chainPem)
  writeClusterConfig(state.clusterConfig, { ztsEndpoint: zts.url.href, pki })

  const tokenFile = await writeTokens(api, state.pki)
  const node = scope.use(await startNode({ state, pki, api, isolation, home, clocks, reaper, events }))
  const agent = options.agentIdentity === 'provisioned' ? 'provisioned' : scope.use(await openAgentPod({ admin, api, dir: state.pki }))
  const context: ProgramContext = {
    state,
    agent,
    webhookCertificate,
    pki,
    ports,
    clocks,
    home,
    reaper,
    tokenFile,
    apiServer: api.url,
    kubelet: node.podsUrl,
    ztsTimeout: options.ztsTimeout ?? '',
    controlRefreshInterval: options.controlRefreshInterval ?? refreshInterval,
  }
  const driver = installDriver(state, isolation, home)
  const controlPlane = scope.use(await startControlPlane({ context, driver, replicas, events, timed, signal }))
  await node.addDriver(driver)
  signal?.throwIfAborted()

  const parts = scope.move()
  const cluster = { state, pki, isolation, ports, world, zts, api, admin, controlPlane, node, context, clocks }
  return { ...cluster, [Symbol.asyncDispose]: () => parts.disposeAsync() }
}

const startZts = (pki: Pki, world: ZtsWorld, events: ClusterEvents): Promise<EmbeddedZts> =>
  startEmbeddedZts({
    world,
    ca: pki.athenzCa,
    server: { ...pki.ztsServer, rootsPem: pki.ztsCa.chainPem },
    onCall: (call) => events.zts?.(call),
  })

const startApi = (pki: Pki, events: ClusterEvents): Promise<EmbeddedApiServer> =>
  startEmbeddedApiServer({
    serverCredentials: { ...pki.apiServer, caPem: pki.kubernetesCa.chainPem },
    world: kubeWorld,
    onCall: (call) => events.api?.(call),
  })

const stopwatch = (events: ClusterEvents): Timed => async (name, starting) => {
  const start = systemClock.monotonic()
  const started = await starting
  events.up?.(name, systemClock.monotonic() - start)
  return started
}
