import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Keys } from '@pallas/host'
import type { Pod } from '@pallas/identity'
import { someNameRules } from '@pallas/identity/testing'
import { nodeHost, peerOf, pinPeer } from '@pallas/linux'
import { FakeClock, memoryLog, testMetrics } from '@pallas/runtime/testing'
import { type Handle, type VolumeData, volumePaths } from '@pallas/wire'
import type { ClusterConfig } from '@pallas/wire/cluster-config'
import type { AllowanceLimits } from '../allowance.ts'
import type { Peers } from '../attest.ts'
import { type AgentEvents, createEvents } from '../events.ts'
import { createPodEventQueue, type PodEventQueue } from '../pod-events.ts'
import { openProcesses } from '../processes.ts'
import { type Doors, type Serving, type ServeSettings, startServing } from '../serve.ts'
import { call, type CallOptions, type Reply } from './call.ts'
import { cgroupsOf, placeProcess } from './cgroups.ts'
import { FakeIssuer } from './fake-issuer.ts'
import { makeVolume } from './volume-tree.ts'

export const PROVIDER = 'k8s.admin.athenz-callback'

/** One node with its agent: real sockets, files and kernel; kubelet, JWT service and ZTS in memory. */
export class World implements AsyncDisposable {
  readonly root = mkdtempSync(join(tmpdir(), 'pa-'))
  readonly volumesDir = join(this.root, 'v')
  readonly procRoot = join(this.root, 'p')
  readonly clock: FakeClock
  readonly memory = memoryLog()
  readonly metrics = testMetrics()
  readonly events: AgentEvents
  /** What pods are to be told; nobody takes it from there unless a test does. */
  readonly podEvents: PodEventQueue
  readonly issuer: FakeIssuer
  /** What the kubelet shows; an error: the kubelet is away. */
  pods: readonly Pod[] | Error = []
  kubeletCalls = 0
  /** Signatures verified, of CSRs and certificates. */
  verified = 0
  /** Documents signed, or an error: the JWT service refuses or is away. */
  documents: string[] = []
  signer: Error | undefined
  peers: Peers = { credentials: peerOf, pin: pinPeer }
  /** Undefined: the agent's own. */
  allowance: AllowanceLimits | undefined
  /** Undefined: the agent's own. */
  limits: Doors['limits']
  /** What the cluster's configuration says otherwise, as of now. */
  cluster: Partial<ClusterConfig> = {}
  #serving: Serving | undefined

  private constructor(clock: FakeClock, issuer: FakeIssuer) {
    this.clock = clock
    this.podEvents = createPodEventQueue({ clock, onDropped: () => this.events.podEventEnded('dropped') })
    this.events = createEvents({ log: this.memory.log, metrics: this.metrics, clock, podEvents: this.podEvents })
    this.issuer = issuer
  }

  static async open(): Promise<World> {
    const clock = new FakeClock()
    const world = new World(clock, await FakeIssuer.open(clock.now))
    for (const dir of [world.volumesDir, world.procRoot]) mkdirSync(dir, { mode: 0o755 })
    return world
  }

  get config(): ClusterConfig {
    const roots = this.issuer.ca.certPem
    return {
      ...someNameRules(),
      ztsEndpoint: 'https://zts.test/zts/v1',
      providerService: PROVIDER,
      trustRoots: { athenz: roots, athenzService: roots },
      authHeader: 'Athenz-Principal-Auth',
      ...this.cluster,
    }
  }

  async startAgent(settings: Partial<ServeSettings> = {}): Promise<Serving> {
    const { allowance, limits, clock, events, issuer, procRoot, volumesDir, peers } = this
    const { keys } = nodeHost()
    const counting: Keys = {
      ...keys,
      verify: async (check) => {
        const good = await keys.verify(check)
        this.verified += 1
        return good
      },
    }
    this.#serving = await startServing({ ...SETTINGS, procRoot, volumesDir, ...settings }, () => this.config, {
      clock,
      log: this.memory.log,
      events,
      keys: counting,
      peers,
      processes: openProcesses(settings.procRoot ?? procRoot),
      kubelet: {
        pods: async () => {
          this.kubeletCalls += 1
          if (this.pods instanceof Error) throw this.pods
          return this.pods
        },
      },
      documents: {
        sign: async (pod) => {
          if (this.signer !== undefined) throw this.signer
          const jti = `jti-${this.documents.length}`
          const text = `header.${pod.uid}.signature${this.documents.length}`
          this.documents.push(text)
          return { text, jti }
        },
      },
      zts: issuer,
      ownUid: process.geteuid?.() ?? 0,
      ...(allowance === undefined ? {} : { allowance }),
      ...(limits === undefined ? {} : { limits }),
    })
    return this.#serving
  }

  async stopAgent(): Promise<void> {
    await this.#serving?.[Symbol.asyncDispose]()
    this.#serving = undefined
  }

  /** A pod may have several, told apart by a name. */
  addVolume(pod: Pod, volume = '', more: Pick<VolumeData, 'writable'> = {}): Handle {
    return makeVolume(this.volumesDir, pod, this.clock.now(), volume, more)
  }

  pathsOf(handle: Handle) {
    return volumePaths(this.volumesDir, handle)
  }

  /** From now on this process, or the one with `pid`, is in the pod. */
  enter(pod: Pick<Pod, 'uid'>, pid = process.pid): void {
    placeProcess(this.procRoot, pid, cgroupsOf(pod.uid))
  }

  /** Calls over the pod's own socket. */
  call(handle: Handle, action: 'names' | 'init' | 'refresh', options: CallOptions = {}): Promise<Reply> {
    const method = action === 'names' ? 'GET' : 'POST'
    return call(this.pathsOf(handle).socket, `/v1/${action}/${handle}`, { method, ...options })
  }

  /** Whatever a test did, nothing of it may have been logged. */
  #expectNoSecrets(): void {
    const text = this.memory.text()
    const found = SECRETS.find((secret) => secret.test(text))
    if (found !== undefined) throw new Error(`the log holds a secret: ${found.source}`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stopAgent()
    this.#expectNoSecrets()
    rmSync(this.root, { recursive: true, force: true })
  }
}

/** PEM, documents and service tokens, as this world makes them. */
const SECRETS = [/BEGIN [A-Z ]+/, /header\.[0-9a-f-]+\.signature/, /v=S1;/]

const SETTINGS = {
  attestation: 'peer',
  requirePidfd: false,
  cgroupPrefix: '',
  isolation: 'per-workload',
  listen: undefined,
  unkeyedHandles: false,
  keyAlgorithm: 'ec-p256',
  podIpTimeout: 3_000,
  jwtServiceTimeout: 10_000,
  ztsTimeout: 10_000,
  certificateLife: 24 * 3_600_000,
  issueInterval: 60_000,
  shutdownGrace: 10_000,
} as const
