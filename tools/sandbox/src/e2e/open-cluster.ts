/** A sandbox for one test file, with what tests ask of it most. */
import { execFileSync } from 'node:child_process'
import { readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { readCertificate } from '@pallas/x509'
import { type Cluster, type ClusterOptions, startCluster } from '../cluster.ts'
import { serveCommand } from '../demo.ts'
import type { ClusterEvents } from '../events.ts'
import type { PodObject } from '../kubelet/objects.ts'
import { currentIsolation } from '../namespace.ts'
import { createPod, isRunning, volumePath, waitForPod } from '../pod-control.ts'
import type { PodRequest } from '../pods.ts'
import { leaksIn } from './secrets.ts'

export interface LogRecord {
  readonly program: string
  readonly record: Readonly<Record<string, unknown>>
}

export interface ClusterUnderTest extends AsyncDisposable {
  readonly cluster: Cluster
  /** Every JSON line that a program logged. */
  readonly logs: readonly LogRecord[]
  /** Every step of a pod's life at the kubelet. */
  readonly steps: readonly PodStep[]
}

export interface PodStep {
  readonly pod: string
  readonly step: string
  readonly detail: string | undefined
}

/**
 * Whoever ends it is told when a program of the suite has written down what is secret (T46).
 *
 * In a mount namespace where the test run is in one (`npm test` sees to that), otherwise with links.
 */
export async function openCluster(options: Omit<ClusterOptions, 'isolation' | 'events'> = {}): Promise<ClusterUnderTest> {
  const logs: LogRecord[] = []
  const steps: PodStep[] = []
  const isolation = currentIsolation(process.env) ?? 'none'
  const events: ClusterEvents = {
    log: (program, record) => void logs.push({ program, record }),
    pod: ({ namespace, name }, step, detail) => void steps.push({ pod: `${namespace}/${name}`, step, detail }),
  }
  const cluster = await startCluster({ isolation, ...options, events })
  const dispose = async (): Promise<void> => {
    const leaks = leaksIn(cluster.state.logs)
    await cluster[Symbol.asyncDispose]()
    if (leaks.length > 0) throw new Error(`a log holds what is secret: ${leaks.join(', ')}`)
  }
  return { cluster, logs, steps, [Symbol.asyncDispose]: dispose }
}

export const request = (name: string, other: Partial<PodRequest> = {}): PodRequest => ({
  namespace: 'shop',
  name,
  serviceAccount: 'web',
  command: serveCommand,
  ...other,
})

export async function launch(cluster: Cluster, pod: PodRequest): Promise<PodObject> {
  await createPod(cluster, pod)
  return waitForPod(cluster, pod, isRunning)
}

/** Files of the pod's identity, all of one generation. */
export function credentialsOf(cluster: Cluster, pod: PodObject) {
  const dir = volumePath(cluster, pod, 'tlscerts')
  const generation = join(dir, readlinkSync(join(dir, '..data')))
  const read = (name: string) => readFileSync(join(generation, name), 'utf8')
  return { dir, key: read('service.key'), cert: read('service.cert'), ca: read('cacert.pem') }
}

export const serialOf = (cluster: Cluster, pod: PodObject): string => readCertificate(credentialsOf(cluster, pod).cert).serial

export async function eventually<T>(what: string, look: () => T | undefined | Promise<T | undefined>, deadlineMs = 30_000): Promise<T> {
  const giveUpAt = performance.now() + deadlineMs
  for (;;) {
    const seen = await look()
    if (seen !== undefined) return seen
    if (performance.now() > giveUpAt) throw new Error(`not in time: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** Runs openssl; throws with its words when it does not say yes. */
export const openssl = (...args: string[]): string => execFileSync('openssl', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
