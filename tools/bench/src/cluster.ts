/** A sandbox to measure in: the real programs around an embedded ZTS, and a kubelet that only lists what it is told. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Pod } from '@pallas/identity'
import { type FakeKubelet, startFakeKubelet } from '@pallas/kubernetes/testing'
import {
  type Cluster,
  type ClusterOptions,
  type Program,
  type ServerName,
  startCluster,
  startProgram,
} from '@pallas/sandbox'
import type { BenchContext } from './bench.ts'
import { ENV } from './children.ts'

export interface BenchCluster extends AsyncDisposable {
  readonly cluster: Cluster
  readonly kubelet: FakeKubelet
  /** Every JSON line that a program logs, as it comes. */
  onLog(listener: (program: string, record: Readonly<Record<string, unknown>>) => void): void
  /** Ends a server of the cluster and starts it again as another command, told the same; ended with the cluster. */
  replace(name: ServerName, command: readonly string[], changes?: Readonly<Record<string, string>>): Promise<Program>
  pods: Pod[]
  /** Shows the kubelet's callers what `pods` holds now. */
  showPods(): void
}

type Listener = Parameters<BenchCluster['onLog']>[0]

export async function openCluster({ isolation, signal }: Pick<BenchContext, 'isolation' | 'signal'>): Promise<BenchCluster> {
  await using scope = new AsyncDisposableStack()
  const listeners: Listener[] = []
  const log: Listener = (program, record) => listeners.forEach((listener) => listener(program, record))
  const cluster = scope.use(await startOnFreePorts({ isolation, signal, events: { log } }))
  scope.defer(() => unmountBelow(cluster.state.kubeletRoot))
  // Its place is taken by one that runs nothing: what is measured is not to share the machine with containers.
  await cluster.node[Symbol.asyncDispose]()
  const token = readFileSync(cluster.context.tokenFile('athenz-identity-agent'), 'utf8')
  const serverCredentials = { ...cluster.pki.kubeletServer, caPem: cluster.pki.kubernetesCa.chainPem }
  const kubelet = scope.use(await startFakeKubelet({ serverCredentials, readers: [token] }))

  const parts = scope.move()
  const replaced = new Map<ServerName, Program>()
  const replace: BenchCluster['replace'] = async (name, command, changes = {}) => {
    const running = replaced.get(name) ?? cluster.controlPlane.program(name)
    const args = argumentsOf(running.pid).map((word) => changed(word, changes))
    await (replaced.has(name) ? running[Symbol.asyncDispose]() : cluster.controlPlane.stop(name))
    const logFile = join(cluster.state.logs, `${name}-measured.log`)
    const adminUrl = `http://${valueOf('--admin-listen', args)}`
    const onLog = (record: Readonly<Record<string, unknown>>) => log(name, record)
    const program = await startProgram({ name, argv: [...command, ...args], env: ENV, logFile, adminUrl, onLog, signal })
    replaced.set(name, parts.use(program))
    return program
  }
  const it: BenchCluster = {
    cluster,
    kubelet,
    replace,
    pods: [],
    onLog: (listener) => void listeners.push(listener),
    showPods: () => kubelet.setPods(it.pods),
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  }
  return it
}

const ATTEMPTS = 3

/** Ports that were free when the sandbox looked may be taken by somebody else before its programs listen. */
async function startOnFreePorts(options: ClusterOptions): Promise<Cluster> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await startCluster(options)
    } catch (error) {
      if (attempt === ATTEMPTS || !String(error).includes('EADDRINUSE')) throw error
    }
  }
}

/** The agent, as the given command, on the bench's kubelet. */
export const replaceAgent = (it: BenchCluster, command: readonly string[]): Promise<Program> =>
  it.replace('identity-agent', command, { '--pod-endpoint': it.kubelet.url })

/** What a bench that was stopped has left mounted would stand in the way of whoever clears up. */
function unmountBelow(root: string): void {
  const mounted = readFileSync('/proc/self/mountinfo', 'utf8').split('\n').map((line) => line.split(' ')[4] ?? '')
  for (const path of mounted.filter((it) => it.startsWith(`${root}/`))) spawnSync('umount', ['-l', path])
}

/** What a running program was told, behind the name of its file. */
function argumentsOf(pid: number): string[] {
  const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1)
  return words.slice(words.findIndex((word) => /\.m?[jt]s$/.test(word)) + 1)
}

function changed(word: string, changes: Readonly<Record<string, string>>): string {
  const name = word.slice(0, word.indexOf('='))
  const value = changes[name]
  return value === undefined ? word : `${name}=${value}`
}

export function valueOf(name: string, args: readonly string[]): string {
  const found = args.find((word) => word.startsWith(`${name}=`))
  if (found === undefined) throw new Error(`the program was not told ${name}`)
  return found.slice(name.length + 1)
}
