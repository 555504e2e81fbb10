/**
 * Who comes in through a listener: every connection is attested before a byte of it is read, and every request is counted
 * against what its caller may have, before its body is.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { IdentityError } from '@pallas/identity'
import { descriptorOf } from '@pallas/linux'
import type { TurnedAway } from '@pallas/service'
import type { Allowance, Visit } from './allowance.ts'
import type { Attest, Attestation } from './attest.ts'
import type { AgentEvents } from './events.ts'
import type { Volume } from './volume-trust.ts'

/** Who is at the other end of a connection, and through which listener it came. */
export interface Caller {
  readonly attestation: Attestation
  /** Undefined on the socket that all pods share. */
  readonly volume: Volume | undefined
}

/** Keeps a listener shut for so many milliseconds. */
export type KeepShut = (ms: number) => void

export interface Door {
  onConnection(socket: Socket, volume: Volume | undefined, keepShut: KeepShut): void
  /** Why a request is turned away. */
  admit(this: void, request: IncomingMessage, response: ServerResponse): TurnedAway | undefined
  /** For whoever floods a connection. */
  cutOff(socket: Socket, keepShut: KeepShut): void
  callerOf(this: void, socket: Socket): Caller
  visitOf(this: void, request: IncomingMessage): Visit
}

export interface DoorDeps {
  readonly attest: Attest
  readonly allowance: Allowance
  readonly events: Pick<AgentEvents, 'turnedAway' | 'cutOff'>
  readonly requestIds: () => string
}

export function createDoor({ attest, allowance, events, requestIds }: DoorDeps): Door {
  const callers = new WeakMap<Socket, Caller>()
  const visits = new WeakMap<IncomingMessage, Visit>()

  function callerOf(socket: Socket): Caller {
    const caller = callers.get(socket)
    if (caller !== undefined) return caller
    throw new IdentityError('INTERNAL', 'the connection was not attested')
  }

  function kept(caller: Caller, keepShut: KeepShut): void {
    const ms = allowance.keptOutFor(callerKey(caller))
    if (ms > 0 && isOfItsVolume(caller)) keepShut(ms)
  }

  return {
    callerOf,
    onConnection(socket, volume, keepShut) {
      const fd = descriptorOf(socket)
      const attestation = fd === undefined ? closedAlready : attest(fd)
      const caller = { attestation, volume }
      const key = callerKey(caller)
      callers.set(socket, caller)
      socket.once('close', () => {
        attestation[Symbol.dispose]()
        allowance.left(key, socket)
      })
      if (allowance.joined(key, socket)) return
      socket.destroy()
      events.cutOff(caller)
      kept(caller, keepShut)
    },
    cutOff(socket, keepShut) {
      const caller = callerOf(socket)
      allowance.cutOff(callerKey(caller))
      events.cutOff(caller)
      kept(caller, keepShut)
    },
    admit(request, response) {
      const caller = callerOf(request.socket)
      try {
        const visit = allowance.enter(callerKey(caller))
        visits.set(request, visit)
        response.once('close', () => visit.end())
        return undefined
      } catch (error) {
        if (!(error instanceof IdentityError)) throw error
        const turnedAway = { refusal: error, requestId: requestIds() }
        events.turnedAway(caller, turnedAway)
        return turnedAway
      }
    },
    visitOf(request) {
      const visit = visits.get(request)
      if (visit !== undefined) return visit
      throw new IdentityError('INTERNAL', 'the request was not admitted')
    },
  }
}

/** Whose allowance it is: the pod's that the kernel names; of those who are in none, one for each listener. */
export function callerKey({ attestation, volume }: Caller): string {
  if (attestation.kind === 'pod') return attestation.uid
  const listener = volume?.data.uid ?? 'shared'
  return attestation.kind === 'not-asked' ? listener : `in no pod, at ${listener}`
}

/** Nobody else may have a pod's listener shut. */
const isOfItsVolume = ({ attestation, volume }: Caller): boolean =>
  volume !== undefined && (attestation.kind === 'not-asked' || (attestation.kind === 'pod' && attestation.uid === volume.data.uid))

const closedAlready: Attestation & Disposable = {
  kind: 'refused',
  reason: 'PEER_EXITED',
  why: 'closed-before-attested',
  pid: 0,
  [Symbol.dispose]: () => undefined,
}
