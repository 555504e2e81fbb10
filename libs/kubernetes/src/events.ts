/** Kubernetes Events: how a person looking at a pod learns why it has no identity. */
import type { KubeApi } from './api.ts'
import { KubernetesError, type KubernetesErrorCode } from './error.ts'
import { EVENTS, pathOf } from './resources.ts'
import { formatTime } from './times.ts'

export interface PodEvent {
  readonly pod: { readonly namespace: string; readonly name: string; readonly uid: string }
  readonly type: 'Normal' | 'Warning'
  /** A reason code of ours, letter for letter as in logs and metrics. */
  readonly reason: string
  /** One sentence without secrets; cut at 1024 characters. */
  readonly message: string
  /** Program and host that say so. */
  readonly source: { readonly component: string; readonly host?: string }
  /** Epoch milliseconds. */
  readonly at: number
}

const MESSAGE_LIMIT = 1024
/** What an API server leaves of the beginning of a name that it completes. */
const NAME_LIMIT = 57

/** Best effort, one attempt; never throws, since no work may fail for want of an Event. `ABORTED`: the signal ended it. */
export async function recordPodEvent(
  api: Pick<KubeApi, 'create'>,
  event: PodEvent,
  signal?: AbortSignal,
): Promise<'recorded' | 'ABORTED' | KubernetesErrorCode> {
  try {
    await api.create(pathOf(EVENTS, { namespace: event.pod.namespace }), objectOf(event), signal)
    return 'recorded'
  } catch (error) {
    return error instanceof KubernetesError ? error.code : 'ABORTED'
  }
}

function objectOf({ pod, type, reason, message, source, at }: PodEvent): object {
  const { namespace, name, uid } = pod
  const when = formatTime(at)
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { namespace, generateName: `${name.slice(0, NAME_LIMIT)}.` },
    involvedObject: { apiVersion: 'v1', kind: 'Pod', namespace, name, uid },
    type,
    reason,
    message: message.slice(0, MESSAGE_LIMIT),
    source,
    reportingComponent: source.component,
    reportingInstance: source.host ?? '',
    firstTimestamp: when,
    lastTimestamp: when,
    count: 1,
  }
}
