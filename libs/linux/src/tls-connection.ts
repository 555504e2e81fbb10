/** A TLS connection to one peer, which is told how far it came and how it ended. */
import { HostError, type TlsPeer } from '@pallas/host'
import { isIP, type Socket } from 'node:net'
import { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { errnoOf } from './host-error.ts'

/** How far an exchange came: what an error means depends on it. */
export interface Progress {
  /** Something came that the peer has said in the protocol of the exchange. */
  heard: boolean
  answered: boolean
  /** Connected, and the peers do not trust each other yet. */
  shakingHands: boolean
  /** The connection ended without the peer saying that it ends it. */
  isCut: boolean
}

/** Makes a connection when it is called. Throws `HOST_TLS` at once for PEM that cannot be used, without an echo. */
export function tlsConnector(to: TlsPeer, progress: Progress): () => TLSSocket {
  const { host, port } = to
  const tls = process.getBuiltinModule('node:tls')
  const secureContext = contextOf(to)
  return () => {
    const raw = process.getBuiltinModule('node:net').connect({ host, port })
    raw.once('connect', () => (progress.shakingHands = true))
    const wire = wireOver(raw)
    let hasEnded = false
    // Before TLS hears of it: by then it has read all that came, the peer's farewell too.
    wire.once('end', () => (progress.isCut = !hasEnded))
    const socket = tls.connect({
      socket: wire,
      host,
      secureContext,
      // Stated, because NODE_TLS_REJECT_UNAUTHORIZED in the environment would undo the default.
      rejectUnauthorized: true,
      servername: isIP(host) === 0 ? host : '',
      // Of a certificate without names it would take the subject for one.
      checkServerIdentity: (name, certificate) => tls.checkServerIdentity(name, { ...certificate, subject: {} }),
    })
    const push = socket.push.bind(socket)
    socket.push = (part: unknown, encoding?: BufferEncoding) => {
      hasEnded ||= part === null
      return push(part, encoding)
    }
    socket.once('secureConnect', () => (progress.shakingHands = false))
    return socket
  }
}

function contextOf({ host, port, caPem, client }: TlsPeer) {
  const refused = (message: string, errno?: string) => new HostError('HOST_TLS', message, { peer: `${host}:${port}`, errno })
  if (host === '') throw refused('the host is neither a name nor an address')
  // Node takes an empty list of roots as leave to trust its own, and an empty key or certificate as none.
  if (!caPem.includes('-----BEGIN CERTIFICATE-----')) throw refused('there is no root certificate')
  if (client?.keyPem === '') throw refused('the key cannot be used')
  if (client?.certPem === '') throw refused('there is no certificate')
  try {
    const own = client === undefined ? {} : { key: client.keyPem, cert: client.certPem }
    return process.getBuiltinModule('node:tls').createSecureContext({ ca: caPem, minVersion: 'TLSv1.2', ...own })
  } catch (error) {
    throw refused('the key or a certificate cannot be used', errnoOf(error))
  }
}

/**
 * The same connection as a stream of its own. TLS over a socket does not tell an end that the peer has announced from one that
 * somebody on the way has made.
 */
function wireOver(raw: Socket): Duplex {
  const wire = new Duplex({
    read: () => void raw.resume(),
    write: (part: Buffer, _encoding, done) => void raw.write(part, done),
    final: (done) => void raw.end(done),
    destroy: (error, done) => {
      raw.destroy()
      done(error)
    },
  })
  raw.on('data', (part: Buffer) => {
    if (!wire.push(part)) raw.pause()
  })
  raw.once('end', () => wire.push(null))
  raw.on('error', (error) => wire.destroy(error))
  raw.once('close', () => wire.destroy())
  return wire
}
