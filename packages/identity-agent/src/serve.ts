/** The agent without the outside world: volumes, listeners and routes over the doors it is given. */
import { mkdir } from 'node:fs/promises'
import type { Clock, Keys } from '@pallas/host'
import type { IdentityError } from '@pallas/identity'
import type { Kubelet } from '@pallas/kubernetes'
import { createRequestIds, type Logger } from '@pallas/runtime'
import { createServer, type Limits } from '@pallas/service'
import { SOCKETS, VOLUME_MODES } from '@pallas/wire'
import type { ClusterConfig } from '@pallas/wire/cluster-config'
import type { FastifyRequest } from 'fastify'
import { ALLOWANCE, type AllowanceLimits, createAllowance } from './allowance.ts'
import type { Peers } from './attest.ts'
import { prepareAttestation } from './attestation.ts'
import { fileContexts } from './contexts.ts'
import type { Documents } from './documents.ts'
import { watchEnds } from './ends.ts'
import type { AgentEvents } from './events.ts'
import { createGate } from './gate.ts'
import { identityParts } from './identity-parts.ts'
import type { IssuingZts } from './issue.ts'
import { createListeners, type Listeners, type ListenersDeps, type SharedSocket } from './listeners.ts'
import type { Processes } from './processes.ts'
import { agentRoutes } from './routes.ts'
import type { IdentityAgentSettings } from './settings.ts'
import { createVolumes, type Volumes } from './volumes.ts'

/** The outside, as far as serving pods needs it. */
export interface Doors {
  readonly clock: Clock
  readonly log: Logger
  readonly events: AgentEvents
  readonly keys: Keys
  readonly peers: Peers
  readonly processes: Processes
  readonly kubelet: Kubelet
  readonly documents: Documents
  readonly zts: IssuingZts
  /** Owner besides root whose volumes are believed. */
  readonly ownUid: number
  /** What one caller may have, by default `ALLOWANCE`. */
  readonly allowance?: AllowanceLimits
  /** Limits of a connection other than the agent's own. */
  readonly limits?: Partial<Limits>
}

export type ServeSettings = Pick<
  IdentityAgentSettings,
  | 'attestation'
  | 'procRoot'
  | 'requirePidfd'
  | 'cgroupPrefix'
  | 'volumesDir'
  | 'isolation'
  | 'listen'
  | 'unkeyedHandles'
  | 'keyAlgorithm'
  | 'podIpTimeout'
  | 'jwtServiceTimeout'
  | 'ztsTimeout'
  | 'certificateLife'
  | 'issueInterval'
  | 'shutdownGrace'
>

export interface Serving extends AsyncDisposable {
  /** Why the kernel's word cannot be had; undefined while it can. */
  attestationProblem(): string | undefined
  volumesProblem(): string | undefined
  readonly volumes: number
}

const POLL_MS = 1_000
const BODY_LIMIT = 64 * 1_024
/** What a request may wait for others of its instance. */
const QUEUE_MS = 30_000
/** Between telling callers that the agent stops, and cutting them off. */
const LAST_WORDS_MS = 500
/** After the last moment for an answer. */
const UNREAD_MS = 10_000
const ORIGINAL_SOCKET = '/var/athenz/agent/agent.sock'

/** `config` is asked each time: the file may be followed. */
export async function startServing(settings: ServeSettings, config: () => ClusterConfig, doors: Doors): Promise<Serving> {
  const { clock, log, events } = doors
  await using scope = new AsyncDisposableStack()
  const stop = new AbortController()
  announce(settings, events)
  // As the driver would: the first pod may come after us. What is wrong with it, if anything, the scan tells.
  await mkdir(settings.volumesDir, { recursive: true, mode: VOLUME_MODES.root }).catch(() => undefined)
  await mkdir(socketsIn(settings), { mode: VOLUME_MODES.sockets }).catch(() => undefined)
  const attestation = await prepareAttestation(settings, doors)

  const handlerTimeoutMs = settings.podIpTimeout + settings.jwtServiceTimeout + settings.ztsTimeout + QUEUE_MS
  const requestIds = createRequestIds()
  const tell = (error: IdentityError, { raw }: FastifyRequest) => events.refusalsToTell(listeners.callerOf(raw.socket), error)
  const app = createServer({ log, clock, requestIds, bodyLimit: BODY_LIMIT, limits: { handlerTimeoutMs }, tell })
  scope.defer(() => app.close())
  scope.defer(() => stop.abort())
  const hasVolume = (uid: string) => volumes.all().some(({ data }) => data.uid === uid)
  const own = { app, attest: attestation.attest, hasVolume, requestIds, idleMs: handlerTimeoutMs + UNREAD_MS }
  const listeners = listenersFor(own, settings, doors)
  const volumes = volumesFor(listeners, settings, doors)
  const gate = createGate({ volumes, events })
  const volumesOf = async (uid: string) => {
    // The record of a volume that was not seen yet may be the latest.
    await volumes.rescan()
    return volumes.all().filter(({ data }) => data.uid === uid)
  }
  const parts = identityParts(settings, config, { ...doors, volumesOf })
  const rest = { gate, listeners, rescan: () => volumes.rescan(), events, stopped: stop.signal }
  await app.register(async (routes) => agentRoutes(routes, { ...parts, ...rest }))
  await app.ready()

  scope.use(listeners)
  await scope.use(volumes).start()
  await listeners.openShared()
  const { open, close } = listeners
  scope.use(watchEnds({ volumes, kubelet: doors.kubelet, contexts: fileContexts, open, close, events, clock }))

  const held = scope.move()
  return {
    attestationProblem: () => attestation.problem(),
    volumesProblem: () => volumes.problem(),
    get volumes() {
      return volumes.size
    },
    async [Symbol.asyncDispose]() {
      const done = new AbortController()
      const patience = clock.sleep(settings.shutdownGrace, done.signal).then(() => stop.abort(), () => undefined)
      await held.disposeAsync()
      done.abort()
      await patience
    },
  }
}

/** What the settings weaken; what is weak about the host itself its self-test tells. */
function announce({ isolation, unkeyedHandles, listen }: ServeSettings, events: AgentEvents): void {
  if (isolation === 'shared') events.weakened('shared-socket')
  if (unkeyedHandles) events.weakened('unkeyed-handles')
  if (isolation === 'per-workload' && listen?.kind === 'unix') events.sharedSocketUnused(listen.path)
}

const socketsIn = ({ volumesDir }: ServeSettings): string => `${volumesDir}/${SOCKETS}`

const sharedSocketOf = ({ isolation, listen }: ServeSettings): SharedSocket => ({
  path: listen?.kind === 'unix' ? listen.path : ORIGINAL_SOCKET,
  isServed: isolation === 'shared',
})

type OwnParts = Pick<ListenersDeps, 'app' | 'attest' | 'hasVolume' | 'requestIds' | 'idleMs'>

function listenersFor(own: OwnParts, settings: ServeSettings, doors: Doors): Listeners {
  const { clock, events, ownUid, peers, allowance: limits = ALLOWANCE } = doors
  return createListeners({
    ...own,
    allowance: createAllowance({ clock, limits }),
    sharedConnections: limits.shared,
    pidOf: (fd) => pidOf(peers, fd),
    events,
    clock,
    ownUid,
    socketsDir: socketsIn(settings),
    shared: sharedSocketOf(settings),
    graceMs: settings.shutdownGrace + LAST_WORDS_MS,
    ...(doors.limits === undefined ? {} : { limits: doors.limits }),
  })
}

function pidOf(peers: Peers, fd: number): number {
  try {
    return peers.credentials(fd).pid
  } catch {
    // Why is for the attestation to say.
    return 0
  }
}

/** A listener for each volume that there is, as long as there is one. */
function volumesFor(listeners: Listeners, settings: ServeSettings, { clock, events, ownUid }: Doors): Volumes {
  const volumes = createVolumes({
    dir: settings.volumesDir,
    trust: { ownUid, unkeyedHandles: settings.unkeyedHandles },
    clock,
    pollMs: POLL_MS,
    onAppear: async (volume) => {
      await listeners.open(volume)
      events.volumeServed(volume)
      lookForWritable()
    },
    onVanish: async (volume) => {
      await listeners.close(volume.handle)
      events.volumeGone(volume)
      lookForWritable()
    },
    onUntrusted: (handle, cause, uid) => events.volumeRefused(handle, cause, uid),
  })
  let isWeak = false
  /** What the driver has let through is weak as long as it is there. */
  function lookForWritable(): void {
    if (volumes.all().some(({ data }) => data.writable) === isWeak) return
    isWeak = !isWeak
    if (isWeak) events.weakened('writable-volumes')
    else events.weakenedNoMore('writable-volumes')
  }
  return volumes
}
