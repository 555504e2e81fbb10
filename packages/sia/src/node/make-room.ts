/**
 * A server that everybody in the network reaches stays open to newcomers: whoever holds connections and asks nothing
 * loses the oldest of them, first his own, then anybody's. So no pod can keep a probe out by being there.
 */
import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import type { Limits } from '@pallas/service'

/** Of one remote address. */
const MOST_OF_ONE = 8
const MOST = 64

/** Probes and scrapes are small and come whole. Newcomers beyond `MOST` are let in, at the price of others. */
export const PUBLIC_LIMITS: Partial<Limits> = {
  headersTimeoutMs: 2_000,
  requestTimeoutMs: 5_000,
  maxHeaderBytes: 8 * 1_024,
  maxConnections: 2 * MOST,
}

/** A newcomer is turned away only while all those in its way wait for an answer. */
export function makeRoom(server: Pick<Server, 'on'>): void {
  /** In order of arrival, with how many requests wait for an answer. */
  const open = new Map<Socket, number>()
  const count = (socket: Socket, more: number) => {
    const busy = open.get(socket)
    if (busy !== undefined) open.set(socket, busy + more)
  }
  server.on('connection', (socket) => {
    const { remoteAddress } = socket
    const all = [...open.keys()]
    const own = all.filter((it) => it.remoteAddress === remoteAddress)
    const crowd = own.length >= MOST_OF_ONE ? own : all.length >= MOST ? all : undefined
    if (crowd !== undefined) {
      const leaving = crowd.find((it) => open.get(it) === 0) ?? socket
      open.delete(leaving)
      leaving.destroy()
      if (leaving === socket) return
    }
    open.set(socket, 0)
    socket.once('close', () => void open.delete(socket))
  })
  server.on('request', ({ socket }, response) => {
    count(socket, 1)
    response.once('close', () => count(socket, -1))
  })
}
