/**
 * Servers that behave, and servers that do not, for the contract of HTTP. Each listens on 127.0.0.1:0 or a unix
 * socket.
 */
import { createServer as createHttp, type RequestListener, type Server as HttpServer } from 'node:http'
import { createServer as createHttps, type ServerOptions } from 'node:https'
import { type AddressInfo, createServer as createTcp, type Server, type Socket } from 'node:net'
import { createSecureContext, type SecureContextOptions, TLSSocket } from 'node:tls'

export interface Listening extends AsyncDisposable {
  readonly port: number
}

export const serveHttp = (answer: RequestListener, at: { readonly socketPath?: string } = {}): Promise<Listening> =>
  listening(createHttp(answer), at.socketPath)

export const serveTls = (options: ServerOptions, answer: RequestListener): Promise<Listening> =>
  listening(createHttps(options, answer))

/** A peer that gets the bare connection. */
export const serveBytes = (onConnection: (socket: Socket) => void): Promise<Listening> =>
  listening(createTcp(onConnection))

/** Says `reply` over TLS, then ends the connection, with or without saying in TLS that it does. */
export const serveCut = (options: SecureContextOptions, reply: string, isAnnounced: boolean): Promise<Listening> =>
  serveBytes((raw) => {
    const socket = new TLSSocket(raw, { isServer: true, secureContext: createSecureContext(options) })
    socket.on('error', () => undefined)
    socket.once('data', () => {
      if (isAnnounced) socket.end(reply)
      // The end that TLS knows nothing of, after what it has written.
      else socket.write(reply, () => raw.destroySoon())
    })
  })

async function listening(server: Server | HttpServer, socketPath?: string): Promise<Listening> {
  const open = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    open.add(socket)
    socket.on('error', () => undefined)
    socket.on('close', () => open.delete(socket))
  })
  await new Promise<void>((resolve) => {
    if (socketPath === undefined) server.listen(0, '127.0.0.1', resolve)
    else server.listen(socketPath, resolve)
  })
  const address = server.address() as AddressInfo | string
  return {
    port: typeof address === 'string' ? 0 : address.port,
    [Symbol.asyncDispose]: async () => {
      for (const socket of open) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** Sends a byte a second, for ever: never silent, never done. */
export function trickle(socket: Socket, first: string): void {
  socket.write(first)
  const timer = setInterval(() => socket.write('x'), 1_000)
  socket.on('close', () => clearInterval(timer))
}
