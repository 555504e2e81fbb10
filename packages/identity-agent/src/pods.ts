/** The pod of a volume, by the kubelet's word now: nothing that a pod's identity follows from is remembered. */
import type { Clock } from '@pallas/host'
import { IdentityError, type Pod, podState } from '@pallas/identity'
import type { Kubelet } from '@pallas/kubernetes'
import type { VolumeData } from '@pallas/wire'

export interface Pods {
  /**
   * The pod, once it has an address. Rejects with `POD_UNKNOWN`, `POD_ENDED`, or, when the wait is over,
   * `POD_NOT_SEEN_YET`, `POD_IP_PENDING`; `KUBELET_UNAVAILABLE` at once. That a pod is not shown says little for a while,
   * and nothing while the kubelet has not heard from the API server.
   */
  settled(data: PodName, signal: AbortSignal): Promise<Pod>
}

/** Of a volume or of a token: not confirmed. */
export type PodName = Pick<VolumeData, 'namespace' | 'name' | 'uid'>

export interface PodsDeps {
  readonly kubelet: Kubelet
  readonly clock: Clock
  /** Longest wait for the address, and for a pod of a new volume to show up. */
  readonly waitMs: number
}

/** The kubelet's client bounds how often this becomes a call. */
const POLL_MS = 200
/**
 * What it shows may be from half a second before it was asked, when the pod that had the name before was still there: that
 * is no denial of its successor.
 */
const OLD_NEWS_MS = 1_000
/** A pod that the kubelet has not shown for so long is none. Its listener goes with its volume, long before. */
export const ABSENT_MS = 15 * 60_000
const COME_BACK_MS = 2_000

export function createPods({ kubelet, clock, waitMs }: PodsDeps): Pods {
  const absentFor = createAbsences(clock)
  return {
    async settled(data, signal) {
      const askedAt = clock.monotonic()
      const giveUpAt = askedAt + waitMs
      for (;;) {
        const pods = await podsOf(kubelet, signal)
        const found = clock.monotonic() - askedAt < OLD_NEWS_MS ? findPodIfKnown(pods, data) : findPod(pods, data)
        const absentMs = absentFor(data.uid, found === 'POD_NOT_SEEN_YET' && hasHeardOfPods(pods))
        if (absentMs >= ABSENT_MS) throw new IdentityError('POD_UNKNOWN', 'the kubelet has long shown no such pod')
        if (typeof found !== 'string') return found
        if (clock.monotonic() + POLL_MS > giveUpAt) throw notYet(found)
        await clock.sleep(POLL_MS, signal)
      }
    },
  }
}

/**
 * Whether the list is that of a kubelet that has heard from the API server since it started: until then it shows static
 * pods alone, whatever else runs, be it for the hours of an outage (T28).
 */
export const hasHeardOfPods = (pods: readonly Pod[]): boolean => pods.some(({ annotations }) => !STATIC.has(annotations[SOURCE] ?? ''))

/** The one annotation that is looked at. */
export const SOURCE = 'kubernetes.io/config.source'
const STATIC: ReadonlySet<string> = new Set(['file', 'http'])

type NotYet = 'POD_NOT_SEEN_YET' | 'POD_IP_PENDING'

/** The settled pod, or what it lacks. Throws when waiting will not help. */
export function findPod(pods: readonly Pod[], data: PodName): Pod | NotYet {
  const hasItsName = ({ namespace, name }: Pod) => namespace === data.namespace && name === data.name
  const pod = pods.find(({ uid }) => uid === data.uid)
  if (pod === undefined) {
    if (pods.some(hasItsName)) throw new IdentityError('POD_UNKNOWN', 'another pod has that name now')
    return 'POD_NOT_SEEN_YET'
  }
  if (!hasItsName(pod)) throw new IdentityError('POD_UNKNOWN', 'that pod has another name')
  if (podState(pod) === 'ended') throw new IdentityError('POD_ENDED', 'the pod has ended')
  return pod.ip === '' ? 'POD_IP_PENDING' : pod
}

/** As `findPod`, where another pod under the name says only that this one is not seen yet. */
function findPodIfKnown(pods: readonly Pod[], data: PodName): Pod | NotYet {
  return pods.some(({ uid }) => uid === data.uid) ? findPod(pods, data) : 'POD_NOT_SEEN_YET'
}

/** For how many milliseconds a pod that was asked about has been absent; those that nobody asks about are forgotten. */
function createAbsences({ monotonic }: Pick<Clock, 'monotonic'>): (uid: string, isAbsent: boolean) => number {
  const absences = new Map<string, { readonly since: number; readonly asked: number }>()
  return (uid, isAbsent) => {
    const now = monotonic()
    for (const [other, { asked }] of absences) if (now - asked > 2 * ABSENT_MS) absences.delete(other)
    if (!isAbsent) {
      absences.delete(uid)
      return 0
    }
    const since = absences.get(uid)?.since ?? now
    absences.set(uid, { since, asked: now })
    return now - since
  }
}

async function podsOf(kubelet: Kubelet, signal: AbortSignal): Promise<readonly Pod[]> {
  try {
    return await kubelet.pods(signal)
  } catch (cause) {
    signal.throwIfAborted()
    const asked = cause instanceof Error && 'retryAfterMs' in cause ? cause.retryAfterMs : undefined
    const retryAfterMs = typeof asked === 'number' ? asked : COME_BACK_MS
    const rest = { cause, retryAfterMs }
    throw new IdentityError('KUBELET_UNAVAILABLE', 'the kubelet does not say which pods run here', {}, rest)
  }
}

const notYet = (code: NotYet) =>
  new IdentityError(code, 'the pod is not ready for an identity yet', {}, { retryAfterMs: COME_BACK_MS })
