import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { IdentityError } from '@pallas/identity'
import type { FastifyInstance } from 'fastify'
import { DEFAULT_LIMITS, httpOptionsOf, type Limits } from './limits.ts'
import { createServer } from './node-http.ts'
import { answerTo } from './refusal.ts'

export interface ServerForOptions {
  readonly limits?: Partial<Limits>
  /** Why a request is not begun, before anything of its body is read. The connection ends with the answer. */
  readonly admit?: (request: IncomingMessage, response: ServerResponse) => TurnedAway | undefined
  /** Somebody went on sending requests on a connection that had been cut for it. Once for each connection. */
  readonly onFlood?: (socket: Socket) => void
}

export interface TurnedAway {
  readonly refusal: IdentityError
  /** Goes out with the answer, as with every other. */
  readonly requestId: string
}

/**
 * One more server in front of an app's routes: each listener is its own, so a handler can tell which one was used.
 *
 * A connection has one request at a time. One that sends the next before it has its answer is cut: what would wait is
 * memory that the caller decides on.
 */
export function serverFor(app: FastifyInstance, options: ServerForOptions = {}): Server {
  const { admit = () => undefined, onFlood = () => undefined } = options
  const limits = { ...DEFAULT_LIMITS, ...options.limits }
  const begun = new WeakSet<Socket>()
  const flooding = new WeakSet<Socket>()

  function begin(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request
    // What the parser has already taken still comes.
    if (socket.destroyed) return flood(socket)
    if (begun.has(socket)) return void socket.destroy()
    begun.add(socket)
    response.once('close', () => begun.delete(socket))
    const turnedAway = admit(request, response)
    if (turnedAway === undefined) app.routing(request, response)
    else turnAway(turnedAway, response)
  }

  function flood(socket: Socket): void {
    if (flooding.has(socket)) return
    flooding.add(socket)
    onFlood(socket)
  }

  const server = createServer(httpOptionsOf(limits), begin)
  server.maxConnections = limits.maxConnections
  return server
}

function turnAway({ refusal, requestId }: TurnedAway, response: ServerResponse): void {
  const { status, headers, body } = answerTo(refusal, requestId)
  const text = JSON.stringify(body)
  response.writeHead(status, {
    ...headers,
    'x-request-id': requestId,
    connection: 'close',
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(text),
  })
  response.end(text)
}
