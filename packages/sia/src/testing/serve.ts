/** Puts a handler of the memory door behind a real socket on a unix path. */
import type { HttpHandler } from '@pallas/host/testing'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Server } from 'node:net'
import { text } from 'node:stream/consumers'

/** What the handler hears of who calls. */
const SOCKET = { kind: 'unix', socketPath: '' } as const

export async function serveUnix(handler: HttpHandler, path: string): Promise<AsyncDisposable> {
  const server = createServer(listener(handler)).listen(path)
  await once(server, 'listening')
  return closing(server)
}

const listener = (handler: HttpHandler) => (request: IncomingMessage, response: ServerResponse) =>
  void answer(handler, request, response)

async function answer(handler: HttpHandler, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await text(request)
  const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]))
  const method = request.method === 'GET' ? 'GET' : 'POST'
  const given = { to: SOCKET, method, path: request.url ?? '', headers, body, timeoutMs: 0, maxBytes: 0 } as const
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
