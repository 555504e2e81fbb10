/** Puts a handler of the memory door behind a real socket: plain on a unix path, or TLS on a port of the loopback. */
import type { HttpHandler } from '@pallas/host/testing'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { Server } from 'node:net'
import { text } from 'node:stream/consumers'

export async function serveUnix(handler: HttpHandler, path: string): Promise<AsyncDisposable> {
  const server = createServer(listener(handler)).listen(path)
  await once(server, 'listening')
  return closing(server)
}

export async function serveTls(
  handler: HttpHandler,
  tls: { readonly key: string; readonly cert: string },
): Promise<AsyncDisposable & { readonly port: number }> {
  const server = createTlsServer(tls, listener(handler)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return { port, ...closing(server) }
}

const listener = (handler: HttpHandler) => (request: IncomingMessage, response: ServerResponse) =>
  void answer(handler, request, response)

async function answer(handler: HttpHandler, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await text(request)
  const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]))
  const to = { kind: 'tcp', host: '', port: 0 } as const
  const method = request.method === 'GET' ? 'GET' : 'POST'
  const given = { to, method, path: request.url ?? '', headers, body, timeoutMs: 0, maxBytes: 0 } as const
  const { status, headers: sent, body: answered } = await handler(given)
  response.writeHead(status, sent).end(answered)
}

const closing = (server: Server & { closeAllConnections(): void }): AsyncDisposable => ({
  [Symbol.asyncDispose]: async () => {
    server.close()
    server.closeAllConnections()
    await once(server, 'close')
  },
})
