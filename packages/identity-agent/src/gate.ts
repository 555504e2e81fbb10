/** The one place that lets a request through: both factors of rule 1, in one decision, for one volume. */
import { IdentityError } from '@pallas/identity'
import { refusalOf } from './attest.ts'
import type { AgentEvents } from './events.ts'
import type { Caller } from './listeners.ts'
import type { Target } from './target.ts'
import type { Volume } from './volume-trust.ts'
import type { Volumes } from './volumes.ts'

export interface GateDeps {
  readonly volumes: Pick<Volumes, 'get'>
  readonly events: Pick<AgentEvents, 'handleMisused'>
}

/** The volume that the caller may use; throws `IdentityError` with the reason why not, `fields.why` for the log. */
export type Gate = (caller: Caller, target: Target) => Volume

export function createGate({ volumes, events }: GateDeps): Gate {
  return ({ attestation, volume: own }, { handle }) => {
    if (attestation.kind === 'refused') throw new IdentityError(attestation.reason, 'not attested', { why: attestation.why })
    const meant = volumes.get(handle)
    if (own !== undefined && handle !== own.handle) {
      events.handleMisused(meant, own, attestation)
      throw mismatch(meant === undefined ? 'unknown-handle' : 'foreign-handle')
    }
    if (meant === undefined || (own !== undefined && own !== meant)) {
      throw new IdentityError('HANDLE_UNKNOWN', 'no volume has that handle')
    }
    const refusal = refusalOf(attestation, meant.data.uid)
    if (refusal === undefined) return meant
    if (refusal.reason === 'HANDLE_PEER_MISMATCH') {
      events.handleMisused(meant, own, attestation)
      throw mismatch(refusal.why)
    }
    throw new IdentityError(refusal.reason, 'not attested', { why: refusal.why })
  }
}

const mismatch = (why: string) =>
  new IdentityError('HANDLE_PEER_MISMATCH', 'the calling process is in another pod than the volume was made for', { why })
