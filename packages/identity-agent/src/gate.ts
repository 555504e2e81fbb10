/** The one place that lets a request through: both factors of rule 1, in one decision, for one volume. */
import { IdentityError, kindOf, type ReasonCode } from '@pallas/identity'
import { refusalOf } from './attest.ts'
import type { AgentEvents } from './events.ts'
import type { Caller } from './door.ts'
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
    if (attestation.kind === 'refused') throw notAttested(attestation)
    // Neither listener nor kernel would say who it is: settings that lead here are refused, and so is the caller.
    if (attestation.kind === 'not-asked' && own === undefined) throw notAttested(NO_FACTOR)
    const meant = volumes.get(handle)
    if (meant === undefined) throw new IdentityError('HANDLE_UNKNOWN', 'no volume has that handle')
    const refusal = own === undefined || own === meant ? refusalOf(attestation, meant.data.uid) : FOREIGN
    if (refusal === undefined) return meant
    if (refusal.reason !== 'HANDLE_PEER_MISMATCH') throw notAttested(refusal)
    events.handleMisused(meant, own, attestation)
    throw new IdentityError(refusal.reason, 'the volume was made for another pod', { why: refusal.why })
  }
}

/** A listener serves one volume only, whoever calls. */
const FOREIGN = { reason: 'HANDLE_PEER_MISMATCH', why: 'foreign-handle' } as const

const NO_FACTOR = { reason: 'PEER_UNKNOWN', why: 'no-factor' } as const

const COME_BACK_MS = 1_000

function notAttested({ reason, why }: { readonly reason: ReasonCode; readonly why: string }): IdentityError {
  const wait = kindOf(reason) === 'unavailable' ? { retryAfterMs: COME_BACK_MS } : {}
  return new IdentityError(reason, 'the calling process is not attested', { why }, wait)
}
