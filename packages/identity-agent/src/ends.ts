/**
 * Pods that have ended while their volume is still there: within seconds the agent forgets what it kept for them, and
 * closes their socket.
 *
 * A pod that the kubelet does not show has not ended by that: a kubelet that was restarted while the API server is away
 * shows none of those that run. Such volumes are told (W40), nothing is taken from them; their removal is the kubelet's
 * and the driver's, for nobody else knows what is still mounted.
 *
 * What the kubelet said it may take back: a pod that is there again is served again, without a restart of anything.
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
import type { Volumes } from './volumes.ts'

export interface EndsOptions {
  readonly volumes: Pick<Volumes, 'all' | 'whileKnown'>
  readonly kubelet: Kubelet
  readonly contexts: Pick<Contexts, 'wipe'>
  /** Closes the socket of a volume. */
  readonly close: (handle: Handle) => Promise<void>
  /** Opens it anew. */
  readonly open: (volume: Volume) => Promise<void>
  readonly events: Pick<AgentEvents, 'volumeServed' | 'volumeRefused' | 'volumeWiped' | 'volumeNotWiped' | 'volumesOrphaned' | 'volumeOrphaned'>
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

/** After a look that showed another pod under the name, the next comes so soon: one alone may be a slip of the kubelet. */
export const LOOK_AGAIN_MS = 700

export type Fate = 'lives' | 'ended' | 'replaced' | 'absent'

/** Whether a pod is there, by the kubelet's word. Another one under its name means that it has ended. */
export function fateOf(data: VolumeData, pods: readonly Pod[]): Fate {
  try {
    return findPod(pods, data) === 'POD_NOT_SEEN_YET' ? 'absent' : 'lives'
  } catch (error) {
    if (error instanceof IdentityError) return error.code === 'POD_ENDED' ? 'ended' : 'replaced'
    throw error
  }
}

/** Looks every few seconds, as long as there are volumes. */
export function watchEnds(options: EndsOptions): AsyncDisposable {
  const { clock } = options
  const look = createLook(options)
  const pauseMs = () => (look.isInDoubt() ? LOOK_AGAIN_MS : LOOK_MS)
  return againAndAgain({ clock, pauseMs, work: look.run, begin: 'pausing' })
}

type Served = Pick<EndsOptions, 'volumes' | 'contexts' | 'close' | 'open' | 'events'>

/** What is done to volumes whose pod has ended, and taken back. */
function createService({ volumes, contexts, close, open, events }: Served) {
  const ended = new WeakSet<Volume>()
  /** Of those that have ended: the last attempt to serve them again failed. */
  const refused = new WeakSet<Volume>()

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

  /** Tried at each look until it succeeds. */
  async function serveAgain(volume: Volume): Promise<void> {
    try {
      await open(volume)
      events.volumeServed(volume)
      ended.delete(volume)
      refused.delete(volume)
    } catch (error) {
      if (!refused.has(volume)) events.volumeRefused(volume.handle, error, volume.data.uid)
      refused.add(volume)
    }
  }

  return {
    end: (volume: Volume) => volumes.whileKnown(volume, () => forget(volume)),
    async goOn(volume: Volume) {
      if (ended.has(volume)) await volumes.whileKnown(volume, () => serveAgain(volume))
    },
  }
}

function createLook(options: EndsOptions) {
  const { volumes, kubelet, events, clock } = options
  const service = createService(options)
  let replaced: ReadonlySet<Volume> = new Set()
  let isInDoubt = false
  let absent = new Map<Volume, { readonly since: number; told: boolean }>()

  function miss(volume: Volume): void {
    const now = clock.monotonic()
    const known = absent.get(volume) ?? { since: now, told: false }
    absent.set(volume, known)
    if (known.told || now - known.since < ORPHANED_MS) return
    known.told = true
    events.volumeOrphaned(volume)
  }

  async function run(signal: AbortSignal): Promise<void> {
    const all = volumes.all()
    // Without the kubelet nothing is known: nothing is forgotten.
    const pods = all.length === 0 ? [] : await kubelet.pods(signal).catch(() => undefined)
    if (pods === undefined) return
    const fates = new Map(all.map((volume) => [volume, fateOf(volume.data, pods)]))
    absent = new Map([...absent].filter(([volume]) => fates.get(volume) === 'absent'))
    const before = replaced
    replaced = new Set(all.filter((volume) => fates.get(volume) === 'replaced'))
    isInDoubt = !replaced.isSubsetOf(before)
    for (const [volume, fate] of fates) {
      if (fate === 'lives') await service.goOn(volume)
      if (fate === 'ended' || (fate === 'replaced' && before.has(volume))) await service.end(volume)
      if (fate === 'absent' && hasHeardOfPods(pods)) miss(volume)
    }
    events.volumesOrphaned([...absent.values()].filter(({ told }) => told).length)
  }

  return { run, isInDoubt: () => isInDoubt }
}
