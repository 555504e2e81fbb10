/**
 * Who comes in through a listener: every connection is attested before a byte of it is read, and every request is counted
 * against what its caller may have, before its body is.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Clock } from '@pallas/host'
import { IdentityError } from '@pallas/identity'
import { descriptorOf } from '@pallas/linux'
import type { TurnedAway } from '@pallas/service'
import type { Allowance, Visit } from './allowance.ts'
import type { Attest, Attestation } from './attest.ts'
import { createCrowd, type Crowd } from './crowd.ts'
import type { AgentEvents } from './events.ts'
import { createKeptOut } from './kept-out.ts'
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
  /** On the socket that pods share; whoever comes beyond it takes the place of another. */
  readonly sharedConnections: number
  /** The kernel's first word on a connection, which costs next to nothing; 0: there is none. */
  readonly pidOf: (fd: number) => number
  /** Whether a pod has a volume here, as far as the agent has seen. */
  readonly hasVolume: (uid: string) => boolean
  readonly clock: Pick<Clock, 'monotonic'>
  readonly events: Pick<AgentEvents, 'turnedAway' | 'cutOff' | 'madeRoom'>
  readonly requestIds: () => string
}

/** Of a pod that the agent knows no volume of: one that was mounted a moment ago needs no more. */
const STRANGER_CONNECTIONS = 4

export function createDoor(deps: DoorDeps): Door {
  const { attest, allowance, sharedConnections: most, pidOf, hasVolume, clock, events, requestIds } = deps
  const keptOut = createKeptOut(clock)
  const crowd = createCrowd({ most, onEvicted: events.madeRoom })
  const callers = new WeakMap<Socket, Caller>()

  function callerOf(socket: Socket): Caller {
    const caller = callers.get(socket)
    if (caller !== undefined) return caller
    throw new IdentityError('INTERNAL', 'the connection was not attested')
  }

  function kept(caller: Caller, keepShut: KeepShut): void {
    const ms = allowance.keptOutFor(callerKey(caller))
    if (ms > 0 && isOfItsVolume(caller)) keepShut(ms)
    if (ms > 0 && caller.attestation.kind === 'pod') keptOut.add(caller.attestation.pid, ms)
  }

  function mayStay(caller: Caller, key: string, socket: Socket): boolean {
    const { attestation, volume } = caller
    const isStranger = volume === undefined && attestation.kind === 'pod' && !hasVolume(attestation.uid)
    if (!allowance.joined(key, socket, isStranger ? STRANGER_CONNECTIONS : undefined)) return false
    return volume !== undefined || crowd.joined(key, socket)
  }

  return {
    callerOf,
    onConnection(socket, volume, keepShut) {
      const fd = descriptorOf(socket)
      // Where many share a listener it cannot be shut: before anything is asked about a process, whether it is kept out.
      if (volume === undefined && fd !== undefined && keptOut.has(pidOf(fd))) {
        callers.set(socket, { attestation: keptOutAlready, volume })
        socket.destroy()
        return
      }
      const attestation = fd === undefined ? closedAlready : attest(fd)
      const caller = { attestation, volume }
      const key = callerKey(caller)
      callers.set(socket, caller)
      socket.once('close', () => {
        attestation[Symbol.dispose]()
        allowance.left(key, socket)
        crowd.left(key, socket)
      })
      if (mayStay(caller, key, socket)) return
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
    ...createVisits({ allowance, crowd, events, requestIds, callerOf }),
  }
}

interface VisitsDeps extends Pick<DoorDeps, 'allowance' | 'events' | 'requestIds'>, Pick<Door, 'callerOf'> {
  readonly crowd: Crowd
}

/** Requests, each counted while it is worked on. */
function createVisits({ allowance, crowd, events, requestIds, callerOf }: VisitsDeps): Pick<Door, 'admit' | 'visitOf'> {
  const visits = new WeakMap<IncomingMessage, Visit>()
  return {
    admit(request, response) {
      const caller = callerOf(request.socket)
      try {
        const visit = allowance.enter(callerKey(caller))
        visits.set(request, visit)
        const over = crowd.asks(request.socket)
        response.once('close', () => {
          visit.end()
          over()
        })
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

const keptOutAlready: Attestation = { kind: 'refused', reason: 'BUSY', why: 'kept-out', pid: 0 }
