/** What happens to volumes: see `events.ts`. */
import { IdentityError } from '@pallas/identity'
import type { Handle } from '@pallas/wire'
import type { EventTools } from './event-tools.ts'
import type { Volume } from './volume-trust.ts'

export const volumeEvents = ({ write, pods, counts, troubles }: EventTools) => ({
  volumeServed: (volume: Volume) => write('info', { ...pods.of(volume), path: volume.paths.socket }, 'volume served'),
  volumeGone: (volume: Volume) => write('info', pods.of(volume), 'volume gone'),

  /** `uid`: the pod that it claims to be of. */
  volumeRefused(handle: Handle, err: unknown, uid: string | undefined): void {
    troubles.volumeRefused(uid, err)
    if (err instanceof IdentityError) {
      counts.volumesRefused.inc({ reason: err.code })
      // Foreseen: where it was found out says nothing.
      return write('error', { handle, reason: err.code, problem: JSON.stringify(err.fields) }, 'volume not served')
    }
    counts.volumesRefused.inc({ reason: 'INTERNAL' })
    write('error', { handle, reason: 'INTERNAL', problem: 'cannot be served', err }, 'volume not served')
  },

  /** The pod has ended, its volume is still there: what the agent kept for it is not. */
  volumeWiped(volume: Volume): void {
    counts.volumesWiped.inc()
    write('info', pods.of(volume), 'pod ended, its refresh state is wiped')
  },
  volumeNotWiped(volume: Volume, err: unknown): void {
    write('error', { ...pods.of(volume), path: volume.paths.context, err }, 'refresh state of an ended pod not wiped')
  },

  /** The kubelet shows no pod for these. Their removal is the kubelet's and the driver's. */
  volumesOrphaned: (count: number) => counts.volumesOrphaned.set(count),
  volumeOrphaned: (volume: Volume) =>
    write('warn', { ...pods.of(volume), path: volume.paths.root }, 'a volume has no pod that the kubelet shows'),
})
