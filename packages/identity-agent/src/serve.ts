/** The agent without the outside world: volumes, listeners and routes over the doors it is given. */
import { mkdir } from 'node:fs/promises'
import type { Clock, Keys } from '@pallas/host'
import type { IdentityError } from '@pallas/identity'
import type { Kubelet } from '@pallas/kubernetes'
import { createRequestIds, type Logger } from '@pallas/runtime'
import { createServer } from '@pallas/service'
import { VOLUME_MODES } from '@pallas/wire'
import type { ClusterConfig } from '@pallas/wire/cluster-config'
import type { Zts } from '@pallas/zts'
import type { FastifyRequest } from 'fastify'
import { ALLOWANCE, type AllowanceLimits, createAllowance } from './allowance.ts'
import { type Attest, attestNobody, createAttest, type Peers } from './attest.ts'
import { AT_THE_TOP, prefixesAround, prefixOf } from './cgroup.ts'
import { createCertificateCheck } from './certificate-check.ts'
import { fileContexts } from './contexts.ts'
import type { Documents } from './documents.ts'
import type { AgentEvents } from './events.ts'
import { createGate } from './gate.ts'
import { createInFlight } from './in-flight.ts'
import { createIssue } from './issue.ts'
import { createListeners, type Listeners } from './listeners.ts'
import { createPace } from './pace.ts'
import { createPods } from './pods.ts'
import { ownCgroups, type Processes } from './processes.ts'
import { agentRoutes } from './routes.ts'
import { createAttestationHealth, selfTest } from './self-test.ts'
import type { IdentityAgentSettings } from './settings.ts'
import { createSubjects } from './subjects.ts'
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
  readonly zts: Pick<Zts, 'register' | 'refresh'>
  /** Owner besides root whose volumes are believed. */
  readonly ownUid: number
  /** What one caller may have, by default `ALLOWANCE`. */
  readonly allowance?: AllowanceLimits
}

export type ServeSettings = Pick<
  IdentityAgentSettings,
  | 'attestation'
  | 'procRoot'
  | 'requirePidfd'
  | 'cgroupPrefix'
  | 'volumesDir'
  | 'listen'
  | 'podIpTimeout'
  | 'jwtServiceTimeout'
  | 'ztsTimeout'
  | 'certificateLife'
  | 'shutdownGrace'
>

export interface Serving extends AsyncDisposable {
  /** Why the kernel's word cannot be had; undefined while it can. */
  attestationProblem(): string | undefined
  volumesProblem(): string | undefined
  readonly volumes: number
}

/** Waiting and running calls of one instance; calls of all instances at once; how often one may ask. */
const PER_INSTANCE = 32
const RUNNING = 64
/** CSRs checked at once: no more than there are threads for signatures. */
const CHECKING = 4
const BURST = 30
const REFILL_MS = 1_000
const POLL_MS = 1_000
const BODY_LIMIT = 64 * 1_024
/** What a request may wait for others of its instance. */
const QUEUE_MS = 30_000
/** Between telling callers that the agent stops, and cutting them off. */
const LAST_WORDS_MS = 500

export async function startServing(settings: ServeSettings, config: ClusterConfig, doors: Doors): Promise<Serving> {
  const { clock, log, events } = doors
  await using scope = new AsyncDisposableStack()
  const stop = new AbortController()
  // As the driver would: the first pod may come after us. What is wrong with it, if anything, the scan tells.
  await mkdir(settings.volumesDir, { recursive: true, mode: VOLUME_MODES.root }).catch(() => undefined)
  const attestation = await prepareAttestation(settings, doors)

  const handlerTimeoutMs = settings.podIpTimeout + settings.jwtServiceTimeout + settings.ztsTimeout + QUEUE_MS
  const requestIds = createRequestIds()
  const tell = (error: IdentityError, { raw }: FastifyRequest) => events.refusalsToTell(listeners.callerOf(raw.socket), error)
  const app = createServer({ log, clock, requestIds, bodyLimit: BODY_LIMIT, limits: { handlerTimeoutMs }, tell })
  scope.defer(() => app.close())
  scope.defer(() => stop.abort())
  const graceMs = settings.shutdownGrace + LAST_WORDS_MS
  const sharedPath = settings.listen?.kind === 'unix' ? settings.listen.path : undefined
  const allowance = createAllowance({ clock, limits: doors.allowance ?? ALLOWANCE })
  const { attest } = attestation
  const listeners = createListeners({ app, attest, allowance, events, clock, sharedPath, graceMs })
  const volumes = volumesFor(listeners, settings, doors)
  const gate = createGate({ volumes, events })
  const parts = identityParts(settings, config, doors)
  const rest = { gate, listeners, rescan: () => volumes.rescan(), events, stopped: stop.signal }
  await app.register(async (routes) => agentRoutes(routes, { ...parts, ...rest }))
  await app.ready()

  scope.use(listeners)
  await scope.use(volumes).start()
  await listeners.openShared()

  const held = scope.move()
  return {
    attestationProblem: attestation.problem,
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

/** Rule 1 for these settings, proved once, and told where it is weaker than it could be. */
async function prepareAttestation(settings: ServeSettings, { peers, processes, events }: Doors) {
  const prefixes = [AT_THE_TOP, prefixOf(settings.cgroupPrefix), ...prefixesAround(ownCgroups() ?? '')]
  const verdict = await selfTest({ ...settings, prefixes }, { peers, processes, probeDir: settings.volumesDir })
  for (const mode of verdict.weakenings) events.weakened(mode)
  const health = createAttestationHealth(verdict)
  const { requirePidfd } = settings
  const decide = settings.attestation === 'peer' ? createAttest({ peers, processes, requirePidfd, prefixes }) : attestNobody
  const attest: Attest = (fd) => {
    const attestation = decide(fd)
    health.observe(attestation)
    events.attested(attestation)
    return attestation
  }
  return { attest, problem: () => health.problem() }
}

/** A listener for each volume that there is, as long as there is one. */
const volumesFor = (listeners: Listeners, { volumesDir }: ServeSettings, { clock, events, ownUid }: Doors): Volumes =>
  createVolumes({
    dir: volumesDir,
    ownUid,
    clock,
    pollMs: POLL_MS,
    onAppear: async (volume) => {
      await listeners.open(volume)
      events.volumeServed(volume)
    },
    onVanish: async (volume) => {
      await listeners.close(volume.handle)
      events.volumeGone(volume)
    },
    onUntrusted: (handle, cause) => events.volumeRefused(handle, cause),
  })

/** Subject and issue: what a request comes to once its caller is known. */
function identityParts(settings: ServeSettings, config: ClusterConfig, doors: Doors) {
  const { clock, keys, kubelet, documents, zts, events } = doors
  const contexts = fileContexts
  const roots = config.trustRoots.athenzService
  const pods = createPods({ kubelet, clock, waitMs: settings.podIpTimeout })
  return {
    subjects: createSubjects({ pods, contexts, rules: config }),
    issue: createIssue({
      documents,
      zts,
      keys,
      check: createCertificateCheck({ roots, verify: (it) => keys.verify(it), clock }),
      contexts,
      inFlight: createInFlight({ perInstance: PER_INSTANCE, running: RUNNING }),
      checking: createInFlight({ perInstance: PER_INSTANCE, running: CHECKING }),
      pace: createPace({ clock, burst: BURST, refillMs: REFILL_MS }),
      events,
      clock,
      provider: config.providerService,
      roots,
      lifeMs: settings.certificateLife,
      sendNamespace: config.spiffeForm === 'trust-domain',
    }),
  }
}
