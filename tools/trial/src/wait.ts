/** Waits until what was applied runs, tells how it comes along, and at the deadline says what held it up. */
import type { Clock } from '@pallas/runtime'
import { TrialError } from './error.ts'
import type { Kubectl } from './kubectl.ts'
import { checkImages, holdUpOf, type Pod, podsIn, stuckContainerOf, type Workload, workloadsIn } from './workloads.ts'

export interface WaitDeps {
  readonly kubectl: Kubectl
  readonly clock: Pick<Clock, 'monotonic' | 'sleep'>
  readonly signal: AbortSignal
  readonly say: (line: string) => void
}

export interface WaitOptions {
  readonly namespace: string
  /** Monotonic milliseconds at which patience ends. */
  readonly until: number
  /** Looks at the pods each time; throws when no waiting helps. */
  readonly inspect?: (pods: readonly Pod[]) => void | Promise<void>
}

const PACE_MS = 1_000

/** The pods, once every workload of the namespace has all it wants. Throws `TrialError`. */
export async function waitForWorkloads({ kubectl, clock, signal, say }: WaitDeps, options: WaitOptions): Promise<readonly Pod[]> {
  const { namespace, until, inspect } = options
  const told = new Map<string, string>()
  for (;;) {
    const workloads = await workloadsIn(kubectl, namespace)
    const pods = await podsIn(kubectl, namespace)
    for (const workload of workloads) tell(workload, told, say)
    checkImages(pods)
    await inspect?.(pods)
    if (workloads.length > 0 && workloads.every(({ isDone }) => isDone)) return pods
    if (clock.monotonic() >= until) throw await notReady(kubectl, namespace, workloads, pods)
    await clock.sleep(PACE_MS, signal)
  }
}

function tell({ kind, name, ready, wanted, isDone }: Workload, told: Map<string, string>, say: (line: string) => void): void {
  const line = `${isDone ? '✓' : '…'} ${kind} ${name} ${ready}/${wanted}`
  if (told.get(name) === line) return
  told.set(name, line)
  say(`  ${line}`)
}

async function notReady(kubectl: Kubectl, namespace: string, workloads: readonly Workload[], pods: readonly Pod[]): Promise<TrialError> {
  const late = workloads.filter(({ isDone }) => !isDone)
  const refused = late.find(({ problem }) => problem !== undefined)
  if (refused !== undefined) return new TrialError('TRIAL_NOT_READY', `${refused.name} can make no pods: ${refused.problem}`)
  const held = pods.find((pod) => holdUpOf(pod) !== undefined)
  const what = held === undefined ? `${late.map(({ name }) => name).join(', ')} did not become ready in time` : (holdUpOf(held) ?? '')
  const log = held === undefined ? '' : await lastLineOf(kubectl, held, stuckContainerOf(held))
  const more = `kubectl --namespace=${namespace} describe pods`
  return new TrialError('TRIAL_NOT_READY', `${what}${log === '' ? '' : `; its last line was: ${log}`}; look further with \`${more}\``)
}

/** Empty when there is none. */
export async function lastLineOf(kubectl: Kubectl, { metadata: { name, namespace } }: Pod, container: string | undefined): Promise<string> {
  const which = container === undefined ? [] : [`--container=${container}`]
  const args = ['logs', name, `--namespace=${namespace}`, ...which, '--tail=1']
  const now = await kubectl(args).catch(() => '')
  const log = now.trim() === '' ? await kubectl([...args, '--previous']).catch(() => '') : now
  return log.trim().slice(0, 500)
}
