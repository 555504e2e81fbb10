/** The TLS side of a ZTS: a client certificate is asked for, not required; one of no use ends the connection. */
import { createServer, type Server } from 'node:https'
import type { IncomingMessage, RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { TLSSocket } from 'node:tls'

export interface ServerPair {
  readonly keyPem: string
  readonly certPem: string
}

export interface HttpsServerOptions {
  readonly pair: ServerPair
  /** PEM roots of client certificates. */
  readonly clientRoots: string
  readonly listen: { readonly host: string; readonly port: number }
  /** Whether new connections are to be closed at once. */
  readonly away: () => boolean
  /** Wall clock by which client certificates are judged, besides the machine's. */
  readonly now: () => number
  readonly handle: RequestListener
}

export async function listenHttps(options: HttpsServerOptions): Promise<AsyncDisposable & { readonly url: string }> {
  const { pair, clientRoots, listen, away, now, handle } = options
  const server = createServer(
    { key: pair.keyPem, cert: pair.certPem, ca: clientRoots, requestCert: true, rejectUnauthorized: false },
    handle,
  )
  server.prependListener('secureConnection', (socket: TLSSocket) => {
    if (!isUsable(socket, now())) socket.destroy()
  })
  server.on('connection', (socket) => {
    if (away()) socket.destroy()
  })
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject)
  server.listen({ host: listen.host, port: listen.port }, resolve)
  await promise
  const { port } = server.address() as AddressInfo
  return { url: `https://${listen.host}:${port}`, [Symbol.asyncDispose]: () => close(server) }
}

/** None at all is fine; one that is expired, untrusted or without a subject is not. */
function isUsable(socket: TLSSocket, now: number): boolean {
  const certificate = socket.getPeerX509Certificate()
  if (certificate === undefined) return true
  const { validFromDate, validToDate, subject } = certificate
  const isNow = validFromDate.getTime() <= now && now <= validToDate.getTime()
  return socket.authorized && isNow && Boolean(subject)
}

/** DER of the certificate that came with the connection. */
export const clientCertificateOf = ({ socket }: IncomingMessage): Uint8Array | undefined =>
  socket instanceof TLSSocket ? socket.getPeerX509Certificate()?.raw : undefined

async function close(server: Server): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  server.close(() => resolve())
  server.closeAllConnections()
  await promise
}
