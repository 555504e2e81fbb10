import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { ReasonCode } from '@pallas/identity'
import { readCertificate } from '@pallas/x509'
import type { FastifyRequest } from 'fastify'

/** Who is at the other end of a mutual TLS connection, read from the certificate's DER and from nothing else. */
export interface PeerIdentity {
  /** Undefined when the subject has none, or several. */
  readonly commonName: string | undefined
  readonly dns: readonly string[]
  readonly ip: readonly string[]
  readonly uri: readonly string[]
  /** Upper-case hex. */
  readonly serial: string
  /** Epoch milliseconds. */
  readonly notAfter: number
  /** DER. */
  readonly raw: Buffer
}

/** Says why a caller with a verified chain may not use this service; undefined when it may. */
export type Allow = (peer: PeerIdentity) => ReasonCode | undefined

/** Allows whoever has exactly this common name. Throws when it is empty: that is nobody's. */
export function peerNamed(commonName: string): Allow {
  if (commonName === '') throw new TypeError('a caller cannot be allowed by an empty name')
  return (peer) => (peer.commonName === commonName ? undefined : 'CALLER_NOT_ALLOWED')
}

/** A connection keeps its certificate (renegotiation is off), so it is read once for each. */
const known = new WeakMap<Socket, PeerIdentity>()

/** Undefined without mutual TLS, with a chain that was not verified, and for a certificate that cannot be read. */
export function peerOf({ raw: { socket } }: Pick<FastifyRequest, 'raw'>): PeerIdentity | undefined {
  const seen = known.get(socket)
  if (seen !== undefined) return seen
  if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined
  const peer = readPeer(socket)
  if (peer !== undefined) known.set(socket, peer)
  return peer
}

const MOST_NAMES = 10

/** Whose request it is, for the log: many callers may have one common name, none has another's serial. */
export function peerFacts(request: Pick<FastifyRequest, 'raw'>): Record<string, unknown> {
  const { remoteAddress: address } = request.raw.socket
  const peer = peerOf(request)
  return {
    ...(peer === undefined ? {} : { peer: peer.commonName, serial: peer.serial, dns: peer.dns.slice(0, MOST_NAMES) }),
    ...(address === undefined ? {} : { address }),
  }
}

function readPeer(socket: TLSSocket): PeerIdentity | undefined {
  const raw = socket.getPeerX509Certificate()?.raw
  if (raw === undefined) return undefined
  try {
    const { commonName, names, serial, notAfter } = readCertificate(raw)
    return { commonName, dns: names.dns, ip: names.ip, uri: names.uri, serial, notAfter, raw }
  } catch {
    return undefined
  }
}
