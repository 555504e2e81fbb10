/** `kubectl` as a function: one cluster, a deadline for each call, and errors that say what to do. */
import { execFile } from 'node:child_process'
import { TrialError } from './error.ts'

export interface KubectlOptions {
  /** The program, by name or path. */
  readonly program: string
  readonly kubeconfig: string | undefined
  /** Where it keeps what it has learnt of the API; its own choice when undefined. */
  readonly cacheDirectory?: string | undefined
  readonly signal: AbortSignal
}

export interface KubectlCall {
  readonly input?: string
  readonly timeoutMs?: number
}

export interface Kubectl {
  /** What it printed. Throws `TrialError`. */
  (args: readonly string[], call?: KubectlCall): Promise<string>
}

const TIMEOUT_MS = 30_000
const MAX_BYTES = 64 * 1024 * 1024

export const createKubectl =
  ({ program, kubeconfig, cacheDirectory, signal }: KubectlOptions): Kubectl =>
  (args, { input, timeoutMs = TIMEOUT_MS } = {}) => {
    const { promise, resolve, reject } = Promise.withResolvers<string>()
    const where = kubeconfig === undefined ? [] : [`--kubeconfig=${kubeconfig}`]
    const env = cacheDirectory === undefined ? process.env : { ...process.env, KUBECACHEDIR: cacheDirectory }
    const options = { env, timeout: timeoutMs, killSignal: 'SIGKILL', maxBuffer: MAX_BYTES, signal } as const
    const child = execFile(program, [...where, ...args], options, (error, stdout, stderr) => {
      if (error === null) resolve(stdout)
      else reject(signal.aborted ? signal.reason : failureOf(error, stderr, args))
    })
    child.stdin?.on('error', () => undefined).end(input ?? '')
    return promise
  }

interface Failure extends Error {
  readonly code?: string | number | null
  readonly killed?: boolean
}

const UNREACHABLE = /connection refused|no such host|i\/o timeout|connection to the server|certificate signed by unknown|no configuration has been provided|Unable to connect/i

/** Exported for its tests. */
export function failureOf(error: Failure, stderr: string, args: readonly string[]): TrialError {
  const said = stderr.trim().split('\n').slice(-3).join(' ').slice(0, 600)
  const what = `kubectl ${args.filter((arg) => !arg.startsWith('-')).slice(0, 3).join(' ')}`
  if (error.code === 'ENOENT') {
    return new TrialError('TRIAL_KUBECTL_MISSING', 'there is no kubectl: install it, or say where it is with --kubectl', error)
  }
  if (error.killed === true) return new TrialError('TRIAL_CLUSTER_UNREACHABLE', `${what} did not end in time: is the API server there?`, error)
  if (UNREACHABLE.test(stderr)) {
    return new TrialError('TRIAL_CLUSTER_UNREACHABLE', `no cluster answers (${said}): name one with --kubeconfig, or make one with \`npm run cluster -- up\``, error)
  }
  if (/forbidden/i.test(stderr)) {
    return new TrialError('TRIAL_NOT_ALLOWED', `this kubeconfig may not do that (${said}): the trial needs an administrator of the cluster`, error)
  }
  return new TrialError('TRIAL_APPLY_FAILED', `${what} failed: ${said === '' ? error.message : said}`, error)
}
