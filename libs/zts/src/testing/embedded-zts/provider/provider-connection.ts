/** TLS to a provider's callback as the JDK of a ZTS makes it (spec `zts-recorded.md` 2). */
import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { connect as connectTls, type PeerCertificate, type TLSSocket } from 'node:tls'
import { readCertificates, sameBytes } from '@pallas/x509'
import { type Announced, announcedAuthorities } from './announced-authorities.ts'

export interface ProviderTls {
  /** PEM roots that the callback must chain to. */
  readonly roots: string
  /** Presented when the callback names the issuer, or names nobody. */
  readonly client: { readonly keyPem: string; readonly certPem: string }
}

export interface ProviderAddress {
  readonly host: string
  readonly port: number
  /** The common name that the callback's certificate must have; its alternative names do not matter. */
  readonly provider: string
}

/** TLS 1.2 and nothing else, a handshake of its own, no resumption. Rejects as the socket does. */
export async function connectToProvider(
  to: ProviderAddress,
  tls: ProviderTls,
  signal: AbortSignal,
): Promise<TLSSocket> {
  try {
    return await shake(to, tls, true, signal)
  } catch (error) {
    if (error !== UNANNOUNCED) throw error
    return shake(to, tls, false, signal)
  }
}

/** The JDK decides within one handshake; here the attempt with a certificate ends unseen and another goes without. */
const UNANNOUNCED = new Error('the callback does not name the issuer of the certificate')

function shake(to: ProviderAddress, tls: ProviderTls, withClient: boolean, signal: AbortSignal): Promise<TLSSocket> {
  const { promise, resolve, reject } = Promise.withResolvers<TLSSocket>()
  // As that client does: a flight of the handshake is several writes, which would wait for each other's acknowledgement.
  const tcp = connectTcp({ host: to.host, port: to.port, noDelay: true, signal })
  const issuers = readCertificates(tls.client.certPem).map(({ issuer }) => issuer)
  const wire = withClient ? watched(tcp, (announced) => mayPresent(issuers, announced)) : tcp
  const socket = connectTls({
    socket: wire,
    host: to.host,
    ...(isIP(to.host) === 0 ? { servername: to.host } : {}),
    minVersion: 'TLSv1.2',
    maxVersion: 'TLSv1.2',
    ciphers: CIPHERS,
    ca: tls.roots,
    ...(withClient ? { key: tls.client.keyPem, cert: tls.client.certPem } : {}),
    checkServerIdentity: (_host, peer) => checkName(peer, to.provider),
  })
  socket.once('secureConnect', () => resolve(socket))
  // These stay for the life of the connection: an error after the handshake has its reader in the HTTP request.
  socket.on('error', reject)
  wire.on('error', reject)
  tcp.on('error', (error) => {
    socket.destroy()
    reject(error)
  })
  socket.once('close', () => {
    tcp.destroy()
    reject(new Error('the callback closed the connection'))
  })
  return promise
}

const CIPHERS = [
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES256-GCM-SHA384',
].join(':')

const checkName = ({ subject }: PeerCertificate, provider: string): Error | undefined =>
  subject?.CN === provider ? undefined : new Error('certificate has another common name than the provider')

const mayPresent = (issuers: readonly Uint8Array[], announced: readonly Uint8Array[]): boolean =>
  announced.length === 0 || announced.some((name) => issuers.some((issuer) => sameBytes(name, issuer)))

/** Passes everything on, but holds back what the server sends until it is known which CAs it names. */
function watched(tcp: Socket, goOn: (announced: readonly Uint8Array[]) => boolean): Duplex {
  let held: Buffer | undefined = Buffer.alloc(0)
  const wire = new Duplex({
    read: () => void tcp.resume(),
    write: (chunk, encoding, done) => void tcp.write(chunk, encoding, done),
    final: (done) => void tcp.end(done),
    destroy: (error, done) => {
      tcp.destroy()
      done(error)
    },
  })
  tcp.on('data', (chunk: Buffer) => {
    if (held === undefined) {
      if (!wire.push(chunk)) tcp.pause()
      return
    }
    held = Buffer.concat([held, chunk])
    const announced: Announced = announcedAuthorities(held)
    if (announced === 'more') return
    if (announced !== 'none' && !goOn(announced)) {
      wire.destroy(UNANNOUNCED)
      return
    }
    wire.push(held)
    held = undefined
  })
  tcp.on('end', () => wire.push(null))
  return wire
}
