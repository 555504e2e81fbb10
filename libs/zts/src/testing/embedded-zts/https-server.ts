/** The TLS side of a ZTS: a client certificate is asked for, not required; one of no use ends the connection. */
import { X509Certificate } from 'node:crypto'
import { createServer, type Server } from 'node:https'
import type { IncomingMessage, RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { TLSSocket } from 'node:tls'
import { readCertificates } from '@pallas/x509'

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
  /** Wall clock by which client certificates are judged. */
  readonly now: () => number
  readonly handle: RequestListener
}

export async function listenHttps(options: HttpsServerOptions): Promise<AsyncDisposable & { readonly url: string }> {
  const { pair, clientRoots, listen, away, now, handle } = options
  const server = createServer(
    { key: pair.keyPem, cert: pair.certPem, ca: clientRoots, requestCert: true, rejectUnauthorized: false },
    handle,
  )
  const authorities = readCertificates(clientRoots).map(({ der }) => new X509Certificate(der))
  server.prependListener('secureConnection', (socket: TLSSocket) => {
    if (!isUsable(socket, authorities, now())) socket.destroy()
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
function isUsable(socket: TLSSocket, authorities: readonly X509Certificate[], now: number): boolean {
  const certificate = socket.getPeerX509Certificate()
  if (certificate === undefined) return true
  const { validFromDate, validToDate, subject } = certificate
  const isNow = validFromDate.getTime() <= now && now <= validToDate.getTime()
  return isNow && Boolean(subject) && (socket.authorized || isOnlyUntimely(socket, certificate, authorities))
}

const UNTIMELY: ReadonlySet<string> = new Set(['CERT_NOT_YET_VALID', 'CERT_HAS_EXPIRED'])

/** Whether all that is wrong is that the machine has another time; that error hides one about the issuer. */
function isOnlyUntimely(socket: TLSSocket, certificate: X509Certificate, authorities: readonly X509Certificate[]) {
  const isIssued = authorities.some((ca) => certificate.checkIssued(ca) && certificate.verify(ca.publicKey))
  return UNTIMELY.has(String(socket.authorizationError)) && isIssued
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
