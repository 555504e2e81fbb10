/**
 * Which CAs a TLS 1.2 server names when it asks for a certificate, read from the plain part of its handshake.
 *
 * A JDK looks at that list and sends nothing when its own issuer is not on it; OpenSSL would send its certificate.
 */

/** DER names of the list; `none` when the server asks for no certificate; `more` until that is certain. */
export type Announced = readonly Uint8Array[] | 'none' | 'more'

const HANDSHAKE_RECORD = 22
const CERTIFICATE_REQUEST = 13
const SERVER_HELLO_DONE = 14

/** `flight` is everything the server has sent since the connection was made (RFC 5246, 6.2.1 and 7.4). */
export function announcedAuthorities(flight: Buffer): Announced {
  const handshake = handshakeOf(flight)
  if (handshake === 'none') return 'none'
  for (let at = 0; at + 4 <= handshake.length; ) {
    const type = handshake.readUInt8(at)
    const end = at + 4 + handshake.readUIntBE(at + 1, 3)
    if (type === SERVER_HELLO_DONE) return 'none'
    if (end > handshake.length) return 'more'
    if (type === CERTIFICATE_REQUEST) return namesOf(handshake.subarray(at + 4, end))
    at = end
  }
  return 'more'
}

/** Payload of the leading handshake records; an alert or anything else ends the wait. */
function handshakeOf(flight: Buffer): Buffer | 'none' {
  const fragments: Buffer[] = []
  for (let at = 0; at + 5 <= flight.length; ) {
    if (flight.readUInt8(at) !== HANDSHAKE_RECORD) return 'none'
    const end = at + 5 + flight.readUInt16BE(at + 3)
    if (end > flight.length) break
    fragments.push(flight.subarray(at + 5, end))
    at = end
  }
  return Buffer.concat(fragments)
}

function namesOf(request: Buffer): Uint8Array[] {
  const types = 1 + request.readUInt8(0)
  const algorithms = 2 + request.readUInt16BE(types)
  const names: Uint8Array[] = []
  for (let at = types + algorithms + 2; at < request.length; ) {
    const end = at + 2 + request.readUInt16BE(at)
    names.push(Uint8Array.from(request.subarray(at + 2, end)))
    at = end
  }
  return names
}
