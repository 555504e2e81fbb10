/** The real cluster as a world for the assertions of the suite. */
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import type { KubeApi } from '@pallas/kubernetes'
import type { Cluster } from '@pallas/real-cluster'
import { answerFrom, IDENTITY_VOLUME, type NodeOfPods, type PodName, type PodObject, type ProgramName, type Programs, type World } from '@pallas/suite'
import type { EmbeddedZts } from '@pallas/zts/testing'
import { openClients } from '../admin.ts'
import { kubectl, runKubectl } from '../kubectl.ts'
import { configureInjection, type Injection, untilInjecting } from './injection.ts'
import { installOnce } from './install.ts'
import { suiteMaterial } from './material.ts'
import { ADMIN_NAMESPACE, DNS_SUFFIX, NAMESPACES, PROVIDER, ZTS } from './names.ts'
import { labelOf, startProgram, stopProgram } from './replicas.ts'
import { workloadCommand, WORKLOAD_IMAGE } from './workload-image.ts'
import { startZts } from './zts.ts'

export interface ClusterWorld extends World {
  readonly cluster: Cluster
  readonly zts: EmbeddedZts
}

const DEADLINE_MS = 120_000
/** One for each run of the tests: what this process was told, or is on its own. */
const RUN = process.env['PALLAS_SUITE_RUN'] ?? randomUUID()
const WORKLOADS = { image: WORKLOAD_IMAGE, command: workloadCommand, fsGroup: 20_002 }

/** Installs the suite when this run has not done so; no pod of an earlier test is left. */
export async function openWorld(injection: Injection = {}): Promise<ClusterWorld> {
  await using scope = new AsyncDisposableStack()
  const clients = scope.use(await openClients())
  const { cluster } = clients
  const material = await suiteMaterial(cluster)
  const zts = scope.use(await startZts(material, cluster.nodeAddress, clients.admin))
  await installOnce(cluster, material, RUN)
  await clearPods()
  await configureInjection(clients.admin, WORKLOADS, injection)
  scope.defer(clearPods)
  const parts = scope.move()
  return {
    cluster,
    zts,
    api: clients.admin,
    deadlineMs: DEADLINE_MS,
    workloads: WORKLOADS,
    athenz: {
      caPem: material.secrets[ZTS]['ca.pem'] ?? '',
      provider: PROVIDER,
      dnsSuffix: DNS_SUFFIX,
      calls: async () => zts.calls(),
      recordOf: async ({ metadata }) => zts.records.get({ provider: PROVIDER, domain: 'shop', service: 'web', instanceId: metadata.uid }),
      away: async () => zts.faults.away(),
      back: async () => zts.faults.reset(),
    },
    // Logs are read from here on.
    programs: programsOf(clients.admin, new Date().toISOString()),
    node: nodeOf(cluster),
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  }
}

async function clearPods(): Promise<void> {
  await Promise.all(NAMESPACES.map((namespace) => kubectl(['delete', 'pods', '--all', `--namespace=${namespace}`, '--timeout=120s'], { deadlineMs: 130_000 })))
}

const PROGRAMS: readonly ProgramName[] = ['identity-agent', 'jwt-service', 'callback', 'initializer']

const programsOf = (api: KubeApi, since: string): Programs => ({
  records: async (program) => (await Promise.all((program === undefined ? PROGRAMS : [program]).map((it) => recordsOf(it, since)))).flat(),
  stop: (name, how = 'stop') => stopProgram(name, how),
  start: async (name) => {
    await startProgram(name)
    if (name === 'initializer') await untilInjecting(api, WORKLOADS)
  },
})

async function recordsOf(program: ProgramName, since: string) {
  const args = ['logs', `--namespace=${ADMIN_NAMESPACE}`, `--selector=${labelOf(program)}`, '--container=main', '--tail=-1', `--since-time=${since}`]
  const { stdout } = await runKubectl(args)
  return stdout.split('\n').filter((line) => line.startsWith('{')).map((line) => ({ program, record: JSON.parse(line) as Record<string, unknown> }))
}

const PLUGIN: Readonly<Record<string, string>> = { [IDENTITY_VOLUME]: 'athenz.kubernetes.io~athenz-volume-driver' }

/** Its own last word, after those of the command. */
const KUBECTL_SAYS = /^command terminated with exit code \d+\n?$/m

const execIn = ({ namespace, name }: PodName, container: string, argv: readonly string[]) =>
  runKubectl(['exec', name, `--namespace=${namespace}`, `--container=${container}`, '--', ...argv])

function nodeOf({ kubeletRoot }: Cluster): NodeOfPods {
  return {
    volumesDir: '/var/athenz/volumes',
    isolated: true,
    volumePath: ({ metadata }: PodObject, volume) =>
      join(kubeletRoot, 'pods', metadata.uid, 'volumes', PLUGIN[volume] ?? 'kubernetes.io~empty-dir', volume),
    exec: async (pod, container, argv) => {
      const { exitCode, stdout, stderr } = await execIn(pod, container, argv)
      return { exitCode, output: stdout + stderr.replace(KUBECTL_SAYS, '') }
    },
    logOf: ({ namespace, name }, container) => kubectl(['logs', name, `--namespace=${namespace}`, `--container=${container}`]),
    async ask({ metadata }, { method, path, body }) {
      const text = typeof body === 'object' ? JSON.stringify(body) : body
      const argv = [...workloadCommand('ask'), '/identity/connect/agent.sock', method, path, ...(text === undefined ? [] : [text])]
      const { exitCode, stdout, stderr } = await execIn(metadata, 'main', argv)
      if (exitCode !== 0) throw new Error(`no answer from the agent: ${stderr}`)
      const answer = JSON.parse(stdout) as { readonly status: number; readonly text: string }
      return answerFrom(answer.status, answer.text)
    },
  }
}
