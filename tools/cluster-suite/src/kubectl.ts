/** The cluster's kubectl, for what needs more than an API: exec, debug, apply of many. */
import { execFile } from 'node:child_process'
import { describeCluster } from '@pallas/real-cluster'

export interface KubectlResult {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

export interface KubectlOptions {
  readonly input?: string
  readonly deadlineMs?: number
}

/** The same for as long as this process knows the cluster: it is asked for hundreds of times. */
let placed: Place | undefined

interface Place {
  readonly program: string
  readonly kubeconfig: string
  readonly cache: string
}

async function place(): Promise<Place> {
  if (placed !== undefined) return placed
  const { kubectl, kubeconfig, kubectlCache } = await describeCluster()
  if (kubectl === undefined) throw new Error('the cluster is down')
  placed = { program: kubectl, kubeconfig, cache: kubectlCache }
  return placed
}

const DEADLINE_MS = 60_000
const MAX_BYTES = 64 << 20

/** Rejects when it cannot be started, or does not end in time; how it ended is for the caller to judge. */
export async function runKubectl(args: readonly string[], { input = '', deadlineMs = DEADLINE_MS }: KubectlOptions = {}): Promise<KubectlResult> {
  const { program, kubeconfig, cache } = await place()
  const { promise, resolve, reject } = Promise.withResolvers<KubectlResult>()
  const env = { ...process.env, KUBECACHEDIR: cache }
  const terms = { env, encoding: 'utf8', timeout: deadlineMs, killSignal: 'SIGKILL', maxBuffer: MAX_BYTES } as const
  const child = execFile(program, [`--kubeconfig=${kubeconfig}`, ...args], terms, (error, stdout, stderr) => {
    if (error === null) return resolve({ exitCode: 0, stdout, stderr })
    if (typeof error.code === 'number') return resolve({ exitCode: error.code, stdout, stderr })
    return reject(error)
  })
  child.stdin?.on('error', () => undefined).end(input)
  return promise
}

/** What it wrote. Throws with what it complained of. */
export async function kubectl(args: readonly string[], options?: KubectlOptions): Promise<string> {
  const { exitCode, stdout, stderr } = await runKubectl(args, options)
  if (exitCode === 0) return stdout
  throw new Error(`kubectl ${args.slice(0, 3).join(' ')} ended with ${exitCode}: ${stderr.trim()}`)
}

/** Server-side, with the strictest validation there is. */
export const apply = (manifests: readonly object[]): Promise<string> =>
  kubectl(['apply', '--server-side', '--force-conflicts', '--validate=strict', '-f', '-'], {
    input: JSON.stringify({ apiVersion: 'v1', kind: 'List', items: manifests }),
  })
