/**
 * One unix socket per volume, so that the listener says which pod's it is, and the kernel says who is calling.
 *
 * Every connection is attested before a byte of it is read. All listeners share one app; what differs is the caller that
 * a request is bound to.
 */
import { mkdir, stat } from 'node:fs/promises'
import type { IncomingMessage, Server } from 'node:http'
import type { Socket } from 'node:net'
import { dirname } from 'node:path'
import type { Clock } from '@pallas/host'
import { IdentityError } from '@pallas/identity'
import { type Limits, listenUnix, serverFor } from '@pallas/service'
import { type Handle, VOLUME_MODES } from '@pallas/wire'
import type { FastifyInstance } from 'fastify'
import type { Visit } from './allowance.ts'
import { type Caller, createDoor, type DoorDeps } from './door.ts'
import { checkTrustedDirectory, type Volume } from './volume-trust.ts'

export interface Listeners extends AsyncDisposable {
  open(this: void, volume: Volume): Promise<void>
  /** At once: whoever was still waiting there belongs to a pod that is gone. */
  close(this: void, handle: Handle): Promise<void>
  /** The shared socket, if it is served: on it the handle says whose volume is meant. Throws when others could replace it. */
  openShared(): Promise<void>
  callerOf(socket: Socket): Caller
  /** What the request is counted by, while it is worked on. */
  visitOf(request: IncomingMessage): Visit
}

export interface ListenersDeps extends DoorDeps {
  readonly app: FastifyInstance
  /** Owner besides root of a directory that is trusted. */
  readonly ownUid: number
  /** Directory that no pod sees, on the mount of the volumes: sockets are made there. */
  readonly socketsDir: string
  readonly clock: Pick<Clock, 'sleep' | 'monotonic'>
  readonly shared: SharedSocket
  /** How long requests may still be answered when all is closed. */
  readonly graceMs: number
  /** After so long without a byte in either direction a connection is cut: longer than any answer takes. */
  readonly idleMs: number
  /** Other limits than the agent's own. */
  readonly limits?: Partial<Limits>
}

/** The original's one socket, whose directory is bound into volumes. */
export interface SharedSocket {
  readonly path: string
  readonly isServed: boolean
}

const ANYBODY = 0o666
const LIMITS = {
  maxConnections: 64,
  maxHeaderBytes: 8 * 1_024,
  requestTimeoutMs: 10_000,
  headersTimeoutMs: 10_000,
} satisfies Partial<Limits>
/** For those that take the place of others, which leave a moment later. */
const ROOM = 500

interface Listener {
  close(graceMs: number): Promise<void>
}

export function createListeners(deps: ListenersDeps): Listeners {
  const { app, clock, shared, graceMs, idleMs, ownUid, socketsDir: makeIn } = deps
  const open = new Map<Handle | 'shared', Listener>()
  const door = createDoor(deps)

  async function listen(path: string, volume: Volume | undefined, own: typeof LIMITS): Promise<Listener> {
    const { admit } = door
    const limits = { ...own, ...deps.limits }
    const server = serverFor(app, { limits, admit, onFlood: (socket) => door.cutOff(socket, keepShut) })
    // For whoever never reads an answer: nothing else bounds how long it may take.
    server.setTimeout(idleMs)
    const closed = new AbortController()
    /** Whoever connects meanwhile is dropped before it costs anything; nobody but the pod itself calls here. */
    function keepShut(ms: number): void {
      if (volume === undefined || server.maxConnections === 0) return
      server.maxConnections = 0
      const reopen = () => void (server.maxConnections = limits.maxConnections)
      clock.sleep(ms, closed.signal).then(reopen, () => undefined)
    }
    // Before the listener of node:http, which begins to read.
    server.prependListener('connection', (socket: Socket) => door.onConnection(socket, volume, keepShut))
    const bound = await listenUnix(server, { path, mode: ANYBODY, makeIn, ownUid })
    return {
      async close(grace) {
        closed.abort()
        await closeServer(server, bound, grace, clock)
      },
    }
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
      if (await isSameDirectory(volume.paths.connect, dirname(shared.path))) {
        if (shared.isServed) return
        throw new IdentityError('VOLUME_UNTRUSTED', 'a volume that shares its socket', { part: 'connect', why: 'shared' })
      }
      open.set(volume.handle, await listen(volume.paths.socket, volume, LIMITS))
    },
    async openShared() {
      if (!shared.isServed) return
      await mkdir(dirname(shared.path), { recursive: true, mode: VOLUME_MODES.connect })
      await checkTrustedDirectory(dirname(shared.path), ownUid)
      open.set('shared', await listen(shared.path, undefined, { ...LIMITS, maxConnections: deps.sharedConnections + ROOM }))
    },
    callerOf: door.callerOf,
    visitOf: door.visitOf,
    async [Symbol.asyncDispose]() {
      await Promise.all([...open.keys()].map((key) => close(key, graceMs)))
    },
  }
}

/** Whether one is the other, bound: then a listener there would be a second one on the shared socket. */
async function isSameDirectory(one: string, other: string): Promise<boolean> {
  const [a, b] = await Promise.all([stat(one), stat(other).catch(() => undefined)])
  return a.dev === b?.dev && a.ino === b.ino
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
