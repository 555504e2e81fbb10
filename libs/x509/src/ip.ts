/** IP addresses: octets as certificates hold them ⇄ the canonical text, lower case and compressed (RFC 5952). */
import ipaddr from 'ipaddr.js'
import { malformed, X509Error } from './error.ts'

export function ipText(octets: Uint8Array): string {
  if (octets.length === 4 || octets.length === 16) return ipaddr.fromByteArray([...octets]).toString()
  throw malformed('neither an ipv4 nor an ipv6 address')
}

/** Throws `X509_NAMES` for anything but dotted-decimal IPv4 or IPv6 without a zone. */
export function ipOctets(text: string): Uint8Array {
  const known = ipaddr.IPv4.isValidFourPartDecimal(text) || (ipaddr.IPv6.isValid(text) && !text.includes('%'))
  if (known) return Uint8Array.from(ipaddr.parse(text).toByteArray())
  throw new X509Error('X509_NAMES', 'not an ip address')
}
