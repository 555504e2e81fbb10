/** The cluster's own kubectl, as its administrator: for people as it is, for harnesses with its output. */
import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { requireUp } from './in-cluster.ts'
import { pathOf } from './journal.ts'
import { run, type RunOptions } from './run.ts'

export interface KubectlOptions {
  readonly env?: NodeJS.ProcessEnv
  /** Where it runs: what relative paths are relative to. */
  readonly from?: string
}

/** On our terminal; resolves with its exit code. */
export async function kubectl(args: readonly string[], { env = process.env, from = process.cwd() }: KubectlOptions = {}): Promise<number> {
  const { program, environment } = kubectlOf(env)
  const child = spawn(program, args, { cwd: from, stdio: 'inherit', env: environment })
  // A terminal's Ctrl-C reaches it as well: how it ends then is its own business.
  process.on('SIGINT', ignore)
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  child.on('error', reject).on('exit', (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])))
  try {
    return await promise
  } finally {
    process.off('SIGINT', ignore)
  }
}

const ignore = (): void => undefined

/** What it says on stdout. Throws `CLUSTER_COMMAND_FAILED` with what it says on stderr. */
export async function kubectlOutput(args: readonly string[], { env = process.env, ...options }: RunOptions = {}): Promise<string> {
  const { program, environment } = kubectlOf(env)
  return run([program, ...args], { env: environment, ...options })
}

function kubectlOf(env: NodeJS.ProcessEnv) {
  const { cluster, journal } = requireUp(env)
  return { program: pathOf(journal, 'kubectl'), environment: { ...env, KUBECONFIG: cluster.kubeconfig, KUBECACHEDIR: cluster.kubectlCache } }
}
