/** A sandbox for one test file: a world for the assertions that hold everywhere, and the cluster in hand for those that do not. */
import { join } from 'node:path'
import { REPOSITORY } from '@pallas/build'
import type { CallRecord } from '@pallas/kubernetes/testing'
import { leaksIn, type LogRecord, type NodeOfPods, overSocket, type Programs, type World } from '@pallas/suite'
import { addService } from '@pallas/zts/testing'
import { type Cluster, type ClusterOptions, startCluster } from '../cluster.ts'
import type { ClusterEvents } from '../events.ts'
import { DNS_SUFFIX, PROVIDER } from '../names.ts'
import { currentIsolation } from '../namespace.ts'
import { handleOf, logOf, volumePath } from '../pod-control.ts'
import { cgroupOf, placeHere, socketOf } from './callers.ts'

export interface ClusterUnderTest extends World {
  readonly cluster: Cluster
  /** Every JSON line that a program logged. */
  readonly logs: readonly LogRecord[]
  /** Every request that the API server answered. */
  readonly calls: readonly CallRecord[]
  /** Every step of a pod's life at the kubelet. */
  readonly steps: readonly PodStep[]
}

export interface PodStep {
  readonly pod: string
  readonly step: string
  readonly detail: string | undefined
}

const DEADLINE_MS = 30_000

/**
 * Whoever ends it is told when a program of the suite has written down what is secret (T46).
 *
 * With `PALLAS_HOME=static` its driver and SIA are the static files of `npm run build:static`.
 *
 * In a mount namespace where the test run is in one (`npm test` sees to that), otherwise with links.
 */
export async function openCluster(options: Omit<ClusterOptions, 'isolation' | 'events'> = {}): Promise<ClusterUnderTest> {
  const logs: LogRecord[] = []
  const calls: CallRecord[] = []
  const steps: PodStep[] = []
  const isolation = currentIsolation(process.env) ?? 'none'
  const events: ClusterEvents = {
    api: (call) => void calls.push(call),
    log: (program, record) => void logs.push({ program, record }),
    pod: ({ namespace, name }, step, detail) => void steps.push({ pod: `${namespace}/${name}`, step, detail }),
  }
  const home = process.env['PALLAS_HOME'] === 'static' ? 'static' : 'node'
  const cluster = await startCluster({ isolation, home, ...options, events })
  // Known to Athenz, which lets nobody launch it.
  addService(cluster.world, 'shop.player')
  const dispose = async (): Promise<void> => {
    const leaks = leaksIn(cluster.state.logs)
    await cluster[Symbol.asyncDispose]()
    if (leaks.length > 0) throw new Error(`a log holds what is secret: ${leaks.join(', ')}`)
  }
  return { cluster, logs, calls, steps, ...worldOf(cluster, logs), [Symbol.asyncDispose]: dispose }
}

const worldOf = (cluster: Cluster, logs: readonly LogRecord[]): Omit<World, typeof Symbol.asyncDispose> => ({
  api: cluster.admin,
  deadlineMs: DEADLINE_MS,
  athenz: {
    caPem: cluster.pki.athenzCa.chainPem,
    provider: PROVIDER,
    dnsSuffix: DNS_SUFFIX,
    calls: async () => cluster.zts.calls(),
    recordOf: async ({ metadata }) => cluster.zts.records.get({ provider: PROVIDER, domain: 'shop', service: 'web', instanceId: metadata.uid }),
    away: async () => cluster.zts.faults.away(),
    back: async () => cluster.zts.faults.reset(),
  },
  programs: programsOf(cluster, logs),
  workloads: {
    image: 'sandbox/host-programs:latest',
    command: (name) => ['node', join(REPOSITORY, 'tools/suite/src/workload', `${name}.ts`)],
    fsGroup: process.getgid?.() ?? 0,
  },
  node: nodeOf(cluster),
})

const programsOf = ({ controlPlane }: Cluster, logs: readonly LogRecord[]): Programs => ({
  records: async (program) => (program === undefined ? logs : logs.filter((it) => it.program === program)),
  stop: (name, how) => controlPlane.stop(name, how),
  start: (name) => controlPlane.start(name),
})

function nodeOf(cluster: Cluster): NodeOfPods {
  return {
    volumesDir: cluster.state.volumes,
    isolated: cluster.isolation === 'mount-namespace',
    volumePath: (pod, volume) => volumePath(cluster, pod, volume),
    exec: (pod, container, argv) => cluster.node.kubelet.exec(pod, container, argv),
    logOf: (pod, container) => logOf(cluster, pod, container),
    async ask(pod, { method, path, body }) {
      const handle = await handleOf(cluster, pod)
      using _here = placeHere(cluster, cgroupOf(pod))
      return await overSocket(socketOf(cluster, handle), method, path, body)
    },
  }
}
