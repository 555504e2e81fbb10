/**
 * A place where the whole suite runs, and what the end-to-end assertions ask of it, whatever it is made of.
 *
 * It is small on purpose: pods are made, read and deleted at its API server, by `pods.ts`, in every world alike. What can
 * only be done with one world in hand (shifted clocks, faults of ZTS) is no part of it.
 */
import type { KubeApi } from '@pallas/kubernetes'
import type { ZtsCall } from '@pallas/zts/testing'
import type { Answer } from './calls.ts'
import type { PodName, PodObject } from './pod-object.ts'

export interface World extends AsyncDisposable {
  /** As an administrator. */
  readonly api: KubeApi
  readonly athenz: Athenz
  readonly programs: Programs
  readonly workloads: Workloads
  readonly node: NodeOfPods
  /** How long it may take until something that must happen has happened. */
  readonly deadlineMs: number
}

/** What Athenz is here. `shop.web`, `shop.orders` and `media.on-air.player` are known and may be launched. */
export interface Athenz {
  /** PEM of the authority that issues certificates of services. */
  readonly caPem: string
  readonly provider: string
  readonly dnsSuffix: string
  /** Calls of ZTS so far, oldest first. */
  calls(): Promise<readonly ZtsCall[]>
  /** What ZTS keeps of a pod that runs as `shop.web`; undefined when it has no record of it. */
  recordOf(pod: PodObject): Promise<{ readonly current: string; readonly previous: string } | undefined>
  /** ZTS answers nobody, until told otherwise. */
  away(): Promise<void>
  back(): Promise<void>
}

export type ProgramName = 'identity-agent' | 'jwt-service' | 'callback' | 'initializer'

export interface LogRecord {
  readonly program: string
  readonly record: Readonly<Record<string, unknown>>
}

/** The suite's own servers. */
export interface Programs {
  /** Every JSON line that one of them logged, or that all replicas of this one did. */
  records(program?: ProgramName): Promise<readonly LogRecord[]>
  /** Ends all replicas (`kill`: as a crash would), which stay away until started. */
  stop(name: ProgramName, how?: 'stop' | 'kill'): Promise<void>
  /** Resolves when they are ready. */
  start(name: ProgramName): Promise<void>
}

export type WorkloadName = 'serve' | 'call' | 'intrude' | 'ask'

export interface Workloads {
  /** Of a container that has Node, a shell and the workloads. */
  readonly image: string
  /** argv that runs one of `src/workload` in such a container. */
  command(name: WorkloadName): readonly string[]
  /** A group that a pod of this world can be given. */
  readonly fsGroup: number
}

export interface ExecResult {
  readonly exitCode: number
  /** What it wrote, to whichever stream. */
  readonly output: string
}

export interface Call {
  readonly method: 'GET' | 'POST'
  /** Sent as it is. */
  readonly path: string
  readonly body?: string | object
}

/** The host that pods run on, with root's eyes. */
export interface NodeOfPods {
  /** Host directory of the volume trees, one for each mounted volume of the driver. */
  readonly volumesDir: string
  /** Whether a container has a mount table of its own; without one it sees host paths. */
  readonly isolated: boolean
  /** Host path of one of a pod's volumes. */
  volumePath(pod: PodObject, volume: string): string
  /** Runs a command in a container, to its end. */
  exec(pod: PodName, container: string, argv: readonly string[]): Promise<ExecResult>
  /** What a container wrote so far. */
  logOf(pod: PodName, container: string): Promise<string>
  /** One request to the agent by a process of the pod, over the pod's own socket. */
  ask(pod: PodObject, call: Call): Promise<Answer>
}
