/** One pod from its volumes to its end, in the order of a real kubelet. */
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Clock, retry } from '@pallas/runtime'
import type { KubeletApi } from './api.ts'
import type { ContainerMount } from './container-root.ts'
import type { ContainerRuntime, RunningContainer } from './containers.ts'
import { environmentOf } from './fields.ts'
import type { Images } from './images.ts'
import { type ContainerObject, isSidecar, type PodObject } from './objects.ts'
import { type ContainerState, phaseOf, type PodProgress, statusOf } from './status.ts'
import { supervise, type Supervised } from './supervise.ts'
import type { Volumes } from './volumes.ts'

export interface PodWorkerDeps {
  readonly api: KubeletApi
  readonly clock: Clock
  readonly runtime: ContainerRuntime
  readonly volumes: Volumes
  readonly images: Images
  readonly hostIp: string
  readonly logDir: string
  /** How long after the first container the pod's address shows: a real kubelet reports it late. */
  readonly podIpDelayMs: number
  readonly backoff: { readonly initialMs: number; readonly maxMs: number }
  readonly allocateIp: () => string
  readonly onStep: (pod: PodObject, step: string, detail?: string) => void
}

export interface PodWorker {
  /** The pod as the kubelet's own API shows it now. */
  current(): PodObject
  update(pod: PodObject): void
  exec(container: string, argv: readonly string[]): Promise<ExecResult>
  /** Resolves when the pod has been deleted and forgotten. */
  readonly gone: Promise<void>
}

export interface ExecResult {
  readonly exitCode: number
  /** What it printed, both streams. */
  readonly output: string
}

const DEFAULT_GRACE_SECONDS = 30

export function startPod(pod: PodObject, deps: PodWorkerDeps): PodWorker {
  const run = new PodRun(pod, deps)
  return {
    current: () => run.current(),
    update: (next) => run.update(next),
    exec: (container, argv) => run.exec(container, argv),
    gone: run.live(),
  }
}

type RestartPolicy = 'Always' | 'OnFailure' | 'Never'

class PodRun {
  readonly #deps: PodWorkerDeps
  readonly #containers = new Map<string, ContainerState>()
  readonly #sidecars: Supervised[] = []
  readonly #others: Supervised[] = []
  readonly #execs = new Set<RunningContainer>()
  readonly #deleted = new AbortController()
  /** Its containers have ended, and no more are to run. */
  #isOver = false
  #pod: PodObject
  #progress: PodProgress
  #reporting = Promise.resolve()

  constructor(pod: PodObject, deps: PodWorkerDeps) {
    this.#pod = pod
    this.#deps = deps
    const startTime = new Date(deps.clock.now()).toISOString()
    this.#progress = { ip: '', hostIp: deps.hostIp, startTime, containers: this.#containers }
  }

  current(): PodObject {
    return { ...this.#pod, status: statusOf(this.#pod, this.#progress) }
  }

  update(next: PodObject): void {
    const isSooner = graceOf(next) < graceOf(this.#pod)
    this.#pod = next
    if (next.metadata.deletionTimestamp === undefined || (this.#deleted.signal.aborted && !isSooner)) return
    this.#deleted.abort()
    void this.#stopContainers()
  }

  /** From the first volume to the last delete; the volumes of a pod that ended by itself go at once, as on a real node. */
  async live(): Promise<void> {
    const { volumes, api, clock, backoff, onStep } = this.#deps
    await this.#run().catch((error: unknown) => onStep(this.#pod, 'failed', String(error)))
    await this.#stopContainers()
    for (const volume of this.#pod.spec.volumes ?? []) {
      await retry(() => volumes.tearDown(this.#pod, volume), { clock, ...backoff, deadlineMs: 30_000, again: () => true })
    }
    await aborted(this.#deleted.signal)
    await volumes.forgetPod(this.#pod)
    await api.forget(this.#pod)
    onStep(this.#pod, 'deleted')
  }

  async exec(containerName: string, argv: readonly string[]): Promise<ExecResult> {
    const { spec } = this.#pod
    const container = [...(spec.initContainers ?? []), ...spec.containers].find(({ name }) => name === containerName)
    if (container === undefined) throw new Error(`no container ${containerName}`)
    const id = newContainerId()
    const logFile = join(this.#deps.logDir, `exec-${id.slice(0, 12)}.log`)
    const [command, ...args] = argv
    const asked = { ...container, command: [command ?? ''], args }
    const started = await this.#deps.runtime.start({ ...containerSpec(this.#pod, asked, id, this.#progress.ip, this.#deps), logFile })
    this.#execs.add(started)
    if (this.#isOver) started.signal('SIGKILL')
    const { exitCode } = await started.exited
    this.#execs.delete(started)
    return { exitCode, output: await readFile(logFile, 'utf8') }
  }

  async #run(): Promise<void> {
    await setUpVolumes(this.#pod, this.#deps, this.#deleted.signal)
    void this.#showIp()
    const policy = this.#pod.spec.restartPolicy ?? 'Always'
    for (const container of this.#pod.spec.initContainers ?? []) {
      if (this.#deleted.signal.aborted) return
      if (isSidecar(container)) await this.#launch(container, 'Always', this.#sidecars).started
      else await this.#launch(container, policy === 'Never' ? 'Never' : 'OnFailure', this.#others).finished
      if (phaseOf(this.#pod, this.#containers) === 'Failed') return
    }
    if (this.#deleted.signal.aborted) return
    await Promise.all(this.#pod.spec.containers.map((it) => this.#launch(it, policy, this.#others).finished))
  }

  #launch(container: ContainerObject, restart: RestartPolicy, among: Supervised[]): Supervised {
    const { clock, backoff, runtime, onStep } = this.#deps
    const one = supervise({
      restart,
      clock,
      backoff,
      newId: newContainerId,
      start: async (id) => runtime.start(containerSpec(this.#pod, container, id, this.#progress.ip, this.#deps)),
      onState: (state) => {
        this.#containers.set(container.name, state)
        onStep(this.#pod, `${container.name} ${state.state.kind}`, 'exitCode' in state.state ? `exit ${state.state.exitCode}` : undefined)
        this.#report()
      },
    })
    among.push(one)
    return one
  }

  async #showIp(): Promise<void> {
    const ip = this.#deps.allocateIp()
    await this.#deps.clock.sleep(this.#deps.podIpDelayMs)
    this.#progress = { ...this.#progress, ip }
    this.#report()
  }

  /** Main containers first, then the sidecars, last started first. */
  async #stopContainers(): Promise<void> {
    const graceMs = graceOf(this.#pod) * 1_000
    await Promise.all(this.#others.map((one) => one.stop(graceMs)))
    for (const sidecar of this.#sidecars.toReversed()) await sidecar.stop(graceMs)
    this.#isOver = true
    for (const one of this.#execs) one.signal('SIGKILL')
    await Promise.all([...this.#execs].map(({ exited }) => exited))
    this.#report()
    await this.#reporting
  }

  #report(): void {
    const { api, onStep } = this.#deps
    const status = statusOf(this.#pod, this.#progress)
    this.#reporting = this.#reporting
      .then(() => api.reportStatus(this.#pod, status))
      .catch((error: unknown) => onStep(this.#pod, 'status not reported', String(error)))
  }
}

const graceOf = ({ metadata, spec }: PodObject): number =>
  metadata.deletionGracePeriodSeconds ?? spec.terminationGracePeriodSeconds ?? DEFAULT_GRACE_SECONDS

const newContainerId = (): string => randomBytes(32).toString('hex')

const aborted = (signal: AbortSignal): Promise<void> =>
  signal.aborted
    ? Promise.resolve()
    : new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))

async function setUpVolumes(pod: PodObject, deps: PodWorkerDeps, signal: AbortSignal): Promise<void> {
  for (const volume of pod.spec.volumes ?? []) {
    await retry(() => deps.volumes.setUp(pod, volume), {
      clock: deps.clock,
      ...deps.backoff,
      deadlineMs: Infinity,
      again: () => true,
      onWait: (error: unknown) => deps.onStep(pod, `volume ${volume.name} failed`, String(error)),
    }, signal)
    if (volume.flexVolume !== undefined) deps.onStep(pod, `volume ${volume.name} mounted`)
  }
}

function containerSpec(pod: PodObject, container: ContainerObject, id: string, ip: string, deps: PodWorkerDeps) {
  const mounts: ContainerMount[] = (container.volumeMounts ?? []).map(({ name, mountPath, readOnly }) => {
    const volume = pod.spec.volumes?.find((it) => it.name === name)
    if (volume === undefined) throw new Error(`container ${container.name} mounts ${name}, which the pod has not`)
    return { hostPath: deps.volumes.pathOf(pod, volume), mountPath, readOnly: readOnly ?? false }
  })
  return {
    id,
    mounts,
    argv: deps.images.argvOf(container),
    env: { ...deps.images.env, ...environmentOf(pod, container, ip) },
    cgroup: `/kubepods/besteffort/pod${pod.metadata.uid}/${id}`,
    logFile: join(deps.logDir, `${pod.metadata.namespace}_${pod.metadata.name}_${container.name}.log`),
  }
}
