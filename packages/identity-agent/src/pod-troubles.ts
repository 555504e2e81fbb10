/** Which happenings the owner of a pod is told of, as Events on it: each denial at once, and what fails for long. */
import { IdentityError, kindOf, type ReasonCode } from '@pallas/identity'
import type { Caller } from './door.ts'
import { createOutages } from './outages.ts'
import type { PodEventQueue, Trouble } from './pod-events.ts'
import type { Action } from './target.ts'

export interface PodTroubles {
  /** A request of this caller was refused. */
  refused(caller: Caller, refusal: Refusal): void
  /** It got an identity. */
  issued(caller: Caller): void
  misused(victimUid: string, caller: Caller): void
  /** `uid`: the pod that the volume claims to be of. */
  volumeRefused(uid: string | undefined, error: unknown): void
}

export interface Refusal {
  readonly action: Action | 'unknown'
  readonly error: unknown
  readonly requestId: string
}

export interface PodTroublesOptions {
  /** Undefined: nobody is told. */
  readonly queue: Pick<PodEventQueue, 'tell'> | undefined
  readonly clock: { monotonic(): number }
}

export function createPodTroubles({ queue, clock }: PodTroublesOptions): PodTroubles {
  const tell = queue?.tell ?? (() => undefined)
  const outages = createOutages(clock)

  function troubleOf(uid: string, reason: ReasonCode, action: Action | 'unknown'): Trouble | undefined {
    const kind = kindOf(reason)
    if (kind === 'denied') return action === 'refresh' ? 'not-renewed' : 'not-issued'
    if (kind !== 'unavailable' && kind !== 'internal') return undefined
    if (!outages.isLong(uid)) return undefined
    return action === 'refresh' ? 'long-not-renewed' : 'long-not-issued'
  }

  return {
    refused(caller, { action, error, requestId }) {
      const uid = uidOf(caller)
      if (uid === undefined) return
      const reason = reasonOf(error)
      const trouble = troubleOf(uid, reason, action)
      if (trouble !== undefined) tell({ uid, reason, trouble, requestId })
    },
    issued(caller) {
      const uid = uidOf(caller)
      if (uid !== undefined) outages.over(uid)
    },
    misused(uid, caller) {
      if (uid !== uidOf(caller)) tell({ uid, reason: 'HANDLE_PEER_MISMATCH', trouble: 'handle-misused' })
    },
    volumeRefused(uid, error) {
      if (uid !== undefined) tell({ uid, reason: reasonOf(error), trouble: 'volume-refused' })
    },
  }
}

const reasonOf = (error: unknown): ReasonCode => (error instanceof IdentityError ? error.code : 'INTERNAL')

/**
 * The pod that the kernel names; of a caller that it puts in none, the pod whose listener was used, for only that pod's
 * containers are given it. Nobody, on the socket that pods share.
 */
const uidOf = ({ attestation, volume }: Caller): string | undefined =>
  attestation.kind === 'pod' ? attestation.uid : volume?.data.uid
