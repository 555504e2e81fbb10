/** From a request to the volume that its caller may use: listener, handle and kernel, each time they are asked. */
import { IdentityError } from '@pallas/identity'
import type { FastifyRequest } from 'fastify'
import type { Gate } from './gate.ts'
import type { Listeners } from './listeners.ts'
import { parseTarget, type Target } from './target.ts'
import type { Volume } from './volume-trust.ts'

export interface AdmitDeps {
  readonly gate: Gate
  readonly listeners: Pick<Listeners, 'callerOf'>
  /** Looks at the volume tree now. */
  readonly rescan: () => Promise<void>
}

export interface Admission {
  /** Throws unless the caller may use the volume that the request line names. */
  admit(this: void, request: FastifyRequest): { readonly target: Target; readonly volume: Volume }
  /** The same; where the caller may be ahead of what the agent has seen of the volume tree, the agent looks once more. */
  admitNewcomer(this: void, request: FastifyRequest): Promise<Volume>
}

export function createAdmission({ gate, listeners, rescan }: AdmitDeps): Admission {
  function admit(request: FastifyRequest) {
    // From the bytes of the request line: what a router decoded is not looked at.
    const target = parseTarget(request.method, request.raw.url ?? '')
    return { target, volume: gate(listeners.callerOf(request.raw.socket), target) }
  }

  /** A listener of its own knows its volume; strangers are not worth a look. */
  function mayBeAhead(request: FastifyRequest): boolean {
    const { attestation, volume } = listeners.callerOf(request.raw.socket)
    return volume === undefined && attestation.kind === 'pod'
  }

  return {
    admit,
    async admitNewcomer(request) {
      try {
        return admit(request).volume
      } catch (error) {
        const isUnknown = error instanceof IdentityError && error.code === 'HANDLE_UNKNOWN'
        if (!isUnknown || !mayBeAhead(request)) throw error
        await rescan()
        return admit(request).volume
      }
    },
  }
}
