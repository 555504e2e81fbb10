/**
 * One unix socket per volume, so that the listener says which pod's it is, and the kernel says who is calling.
 *
 * Every connection is attested before a byte of it is read. All listeners share one app; what differs is the caller that
 * a request is bound to.
 */
import { stat } from 'node:fs/promises'
import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import { dirname } from 'node:path'
import type { Clock } from '@pallas/host'
import { IdentityError } from '@pallas/identity'
import { descriptorOf } from '@pallas/linux'
import { type Limits, listenUnix, serverFor } from '@pallas/service'
import type { Handle } from '@pallas/wire'
import type { FastifyInstance } from 'fastify'
import type { Attest, Attestation } from './attest.ts'
import type { Volume } from './volume-trust.ts'

/** Who is at the other end of a connection, and through which listener it came. */
export interface Caller {
  readonly attestation: Attestation
  /** Undefined on the socket that all pods share. */
  readonly volume: Volume | undefined
}

export interface Listeners extends AsyncDisposable {
  open(volume: Volume): Promise<void>
  /** At once: whoever was still waiting there belongs to a pod that is gone. */
  close(handle: Handle): Promise<void>
  /** The shared socket, if there is to be one: on it the handle says whose volume is meant. */
  openShared(): Promise<void>
  callerOf(socket: Socket): Caller
}

export interface ListenersDeps {
  readonly app: FastifyInstance
  readonly attest: Attest
  readonly clock: Pick<Clock, 'sleep'>
  /** Socket whose directory is bound into volumes of the original form. */
  readonly sharedPath: string | undefined
  /** How long requests may still be answered when all is closed. */
  readonly graceMs: number
}

const ANYBODY = 0o666
const OF_ONE_POD: Partial<Limits> = {
  maxConnections: 64,
  maxHeaderBytes: 8 * 1_024,
  requestTimeoutMs: 10_000,
  headersTimeoutMs: 10_000,
}

interface Listener {
  close(graceMs: number): Promise<void>
}

export function createListeners({ app, attest, clock, sharedPath, graceMs }: ListenersDeps): Listeners {
  const callers = new WeakMap<Socket, Caller>()
  const open = new Map<Handle | 'shared', Listener>()

  function onConnection(socket: Socket, volume: Volume | undefined): void {
    const fd = descriptorOf(socket)
    const attestation = fd === undefined ? closedAlready : attest(fd)
    callers.set(socket, { attestation, volume })
    socket.once('close', () => attestation[Symbol.dispose]())
  }

  async function listen(path: string, volume: Volume | undefined, limits: Partial<Limits>): Promise<Listener> {
    const server = serverFor(app, limits)
    // Before the listener of node:http, which begins to read.
    server.prependListener('connection', (socket: Socket) => onConnection(socket, volume))
    const bound = await listenUnix(server, { path, mode: ANYBODY })
    return { close: (grace) => closeServer(server, bound, grace, clock) }
  }

  async function close(key: Handle | 'shared', grace: number): Promise<void> {
    const listener = open.get(key)
    open.delete(key)
    await listener?.close(grace)
  }

  return {
    close: (handle) => close(handle, 0),
    async open(volume) {
      await close(volume.handle, 0)
      if (sharedPath !== undefined && (await isSameDirectory(volume.paths.connect, dirname(sharedPath)))) return
      open.set(volume.handle, await listen(volume.paths.socket, volume, OF_ONE_POD))
    },
    async openShared() {
      if (sharedPath === undefined) return
      open.set('shared', await listen(sharedPath, undefined, { ...OF_ONE_POD, maxConnections: 2_000 }))
    },
    callerOf(socket) {
      const caller = callers.get(socket)
      if (caller !== undefined) return caller
      throw new IdentityError('PEER_UNKNOWN', 'the connection was not attested')
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...open.keys()].map((key) => close(key, graceMs)))
    },
  }
}

/** Whether one is the other, bound: then a listener there would be a second one on the shared socket. */
async function isSameDirectory(one: string, other: string): Promise<boolean> {
  const [a, b] = await Promise.all([stat(one), stat(other)])
  return a.dev === b.dev && a.ino === b.ino
}

const closedAlready: Attestation & Disposable = {
  kind: 'refused',
  reason: 'PEER_EXITED',
  why: 'closed-before-attested',
  pid: 0,
  [Symbol.dispose]: () => undefined,
}

/** Takes no more, answers what was asked within the grace, and cuts the rest. */
async function closeServer(server: Server, bound: AsyncDisposable, graceMs: number, clock: Pick<Clock, 'sleep'>) {
  const closed = new AbortController()
  const cutting =
    graceMs === 0
      ? server.closeAllConnections()
      : clock.sleep(graceMs, closed.signal).then(() => server.closeAllConnections(), () => undefined)
  await bound[Symbol.asyncDispose]()
  closed.abort()
  await cutting
}
