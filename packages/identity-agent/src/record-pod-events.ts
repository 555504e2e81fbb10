/** Takes what pods are to be told to the API server: one call at a time, each with a deadline, on pods that the kubelet shows. */
import type { Pod } from '@pallas/identity'
import { type KubeApi, type Kubelet, openKubeApi, recordPodEvent } from '@pallas/kubernetes'
import type { Clock } from '@pallas/host'
import { runUntilDisposed } from '@pallas/runtime'
import type { AgentEvents } from './events.ts'
import type { PodEventQueue, PodNote } from './pod-events.ts'
import type { IdentityAgentSettings } from './settings.ts'

export interface RecorderDeps {
  readonly queue: PodEventQueue
  readonly kubelet: Kubelet
  readonly clock: Pick<Clock, 'now'>
  readonly events: Pick<AgentEvents, 'podEventEnded' | 'podEventsOff'>
  /** Name of this node, where the settings say it. */
  readonly host: string | undefined
}

const DEADLINE_MS = 5_000
const COMPONENT = 'athenz-identity-agent'

/** Without an API server to tell, all is as it would be without Events, which is said once. */
export async function openPodEvents(
  settings: Pick<IdentityAgentSettings, 'apiServer' | 'apiCa' | 'apiTokenFile'>,
  deps: RecorderDeps & { readonly clock: Clock },
): Promise<AsyncDisposable> {
  await using scope = new AsyncDisposableStack()
  try {
    const api = scope.use(await openKubeApi(settings, { clock: deps.clock, timeoutMs: DEADLINE_MS }))
    scope.use(recordPodEvents(api, deps))
  } catch (error) {
    if (!isMissing(error)) throw error
    deps.queue.close()
    deps.events.podEventsOff(settings.apiCa)
  }
  return scope.move()
}

const isMissing = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'ENOENT'

export function recordPodEvents(api: Pick<KubeApi, 'create'>, { queue, kubelet, clock, events, host }: RecorderDeps): AsyncDisposable {
  const podOf = createLookup(kubelet)
  const source = { component: COMPONENT, ...(host === undefined ? {} : { host }) }

  async function record({ uid, reason, message }: PodNote, signal: AbortSignal): Promise<void> {
    const pod = await podOf(uid, signal)
    if (pod === undefined) return events.podEventEnded('no-pod')
    const event = { pod, type: 'Warning', reason, message, source, at: clock.now() } as const
    const outcome = await recordPodEvent(api, event, signal)
    if (outcome === 'recorded') return events.podEventEnded('recorded')
    if (outcome !== 'ABORTED') events.podEventEnded('failed', outcome)
  }

  return runUntilDisposed(async (signal) => {
    while (!signal.aborted) await record(await queue.next(signal), signal)
  })
}

/** By the kubelet's word now, or while it is away by its last. */
function createLookup(kubelet: Kubelet): (uid: string, signal: AbortSignal) => Promise<Pod | undefined> {
  let last: readonly Pod[] = []
  return async (uid, signal) => {
    try {
      last = await kubelet.pods(signal)
    } catch {
      signal.throwIfAborted()
    }
    return last.find((pod) => pod.uid === uid)
  }
}
