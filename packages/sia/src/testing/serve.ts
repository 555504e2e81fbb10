/** Puts a handler of the memory door behind a real socket: plain on a unix path, or TLS on a port of the loopback. */
import type { HttpPeer } from '@pallas/host'
import type { HttpHandler } from '@pallas/host/testing'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { Server } from 'node:net'
import { TLSSocket } from 'node:tls'
import { text } from 'node:stream/consumers'

export async function serveUnix(handler: HttpHandler, path: string): Promise<AsyncDisposable> {
  const server = createServer(listener(handler)).listen(path)
  await once(server, 'listening')
  return closing(server)
}

export async function serveTls(
  handler: HttpHandler,
  tls: { readonly key: string; readonly cert: string; readonly ca?: string },
): Promise<AsyncDisposable & { readonly port: number }> {
  const asking = tls.ca === undefined ? {} : { requestCert: true, rejectUnauthorized: false }
  const server = createTlsServer({ ...tls, ...asking }, listener(handler)).listen(0, '127.0.0.1')
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
  const to = peerOf(request)
  const method = request.method === 'GET' ? 'GET' : 'POST'
  const given = { to, method, path: request.url ?? '', headers, body, timeoutMs: 0, maxBytes: 0 } as const
  const { status, headers: sent, body: answered } = await handler(given)
  response.writeHead(status, sent).end(answered)
}

/** As the handler would see it at the door: with the certificate of a client that TLS believes. */
function peerOf({ socket }: IncomingMessage): HttpPeer {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return { kind: 'tcp', host: '', port: 0 }
  const certPem = `-----BEGIN CERTIFICATE-----\n${socket.getPeerCertificate().raw.toString('base64')}\n-----END CERTIFICATE-----\n`
  return { kind: 'tls', host: '', port: 0, caPem: '', client: { keyPem: '', certPem } }
}

const closing = (server: Server & { closeAllConnections(): void }): AsyncDisposable => ({
  [Symbol.asyncDispose]: async () => {
    server.close()
    server.closeAllConnections()
    await once(server, 'close')
  },
})
