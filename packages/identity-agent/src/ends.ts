/**
 * Pods that have ended while their volume is still there: within seconds the agent forgets what it kept for them, and
 * closes their socket.
 *
 * A pod that the kubelet does not show has not ended by that: a kubelet that was restarted while the API server is away
 * shows none of those that run. Such volumes are told (W40), nothing is taken from them; their removal is the kubelet's
 * and the driver's, for nobody else knows what is still mounted.
 */
import type { Clock } from '@pallas/host'
import { IdentityError, type Pod } from '@pallas/identity'
import type { Kubelet } from '@pallas/kubernetes'
import { againAndAgain } from '@pallas/runtime'
import type { Handle, VolumeData } from '@pallas/wire'
import type { Contexts } from './contexts.ts'
import type { AgentEvents } from './events.ts'
import { findPod, hasHeardOfPods } from './pods.ts'
import type { Volume } from './volume-trust.ts'

export interface EndsOptions {
  readonly volumes: { all(): readonly Volume[] }
  readonly kubelet: Kubelet
  readonly contexts: Pick<Contexts, 'wipe'>
  /** Closes the socket of a volume. */
  readonly close: (handle: Handle) => Promise<void>
  readonly events: Pick<AgentEvents, 'volumeWiped' | 'volumeNotWiped' | 'volumesOrphaned' | 'volumeOrphaned'>
  readonly clock: Clock
}

/**
 * With the kubelet's own delay and an answer's, the end of a pod is seen within five seconds, also where its volume is not
 * unmounted. A look at 250 pods of 10 kB costs some 20 ms of processor time, 0.5 % of a core, 15 of them for reading. That
 * cannot be left out where nothing has changed: a kubelet lists its pods in another order each time, and tells no version.
 */
export const LOOK_MS = 4_000
/** A kubelet that has just started shows none of the pods that run, for a while. */
export const ORPHANED_MS = 60_000

export type Fate = 'lives' | 'ended' | 'absent'

/** Whether a pod is there, by the kubelet's word. Another one under its name means that it has ended. */
export function fateOf(data: VolumeData, pods: readonly Pod[]): Fate {
  try {
    return findPod(pods, data) === 'POD_NOT_SEEN_YET' ? 'absent' : 'lives'
  } catch (error) {
    if (error instanceof IdentityError) return 'ended'
    throw error
  }
}

/** Looks every few seconds, as long as there are volumes. */
export function watchEnds(options: EndsOptions): AsyncDisposable {
  const { clock } = options
  return againAndAgain({ clock, pauseMs: () => LOOK_MS, work: createLook(options), begin: 'pausing' })
}

function createLook({ volumes, kubelet, contexts, close, events, clock }: EndsOptions) {
  const ended = new WeakSet<Volume>()
  let absent = new Map<Volume, { readonly since: number; told: boolean }>()

  /** Each time anew: a call that was under way may have written once more. */
  async function forget(volume: Volume): Promise<void> {
    try {
      if (!ended.has(volume)) await close(volume.handle)
      await contexts.wipe(volume)
      if (!ended.has(volume)) events.volumeWiped(volume)
      ended.add(volume)
    } catch (error) {
      events.volumeNotWiped(volume, error)
    }
  }

  function miss(volume: Volume): void {
    const now = clock.monotonic()
    const known = absent.get(volume) ?? { since: now, told: false }
    absent.set(volume, known)
    if (known.told || now - known.since < ORPHANED_MS) return
    known.told = true
    events.volumeOrphaned(volume)
  }

  return async (signal: AbortSignal): Promise<void> => {
    const all = volumes.all()
    // Without the kubelet nothing is known: nothing is forgotten.
    const pods = all.length === 0 ? [] : await kubelet.pods(signal).catch(() => undefined)
    if (pods === undefined) return
    const fates = new Map(all.map((volume) => [volume, fateOf(volume.data, pods)]))
    absent = new Map([...absent].filter(([volume]) => fates.get(volume) === 'absent'))
    for (const [volume, fate] of fates) {
      if (fate === 'ended') await forget(volume)
      if (fate === 'absent' && hasHeardOfPods(pods)) miss(volume)
    }
    events.volumesOrphaned([...absent.values()].filter(({ told }) => told).length)
  }
}
