/** IP addresses as text: one spelling each (RFC 5952), so that equal addresses are equal strings. */
import ipaddr from 'ipaddr.js'

/** Lower case and compressed; undefined for anything but dotted-decimal IPv4 or IPv6 without a zone. */
export function canonicalIp(text: string): string | undefined {
  // By far the most addresses are in the one spelling that IPv4 has.
  return IPV4.test(text) ? text : parseIp(text)?.toString()
}

const IPV4 = /^(?:(?:0|[1-9]\d?|1\d\d|2[0-4]\d|25[0-5])(?:\.(?!$)|$)){4}$/

/** `<address>/<bits>`. The address may have bits set behind the prefix. */
export const isCidr = (text: string): boolean => parseCidr(text) !== undefined

/**
 * Whether an address is within one of the ranges; an IPv4 address in IPv6 clothes (`::ffff:…`) is IPv4. False for what
 * is neither.
 */
export function isWithin(ip: string, cidrs: readonly string[]): boolean {
  const address = parseIp(ip)
  if (address === undefined) return false
  const bare = address instanceof ipaddr.IPv6 && address.isIPv4MappedAddress() ? address.toIPv4Address() : address
  return cidrs.map(parseCidr).some((range) => range?.[0].kind() === bare.kind() && bare.match(range))
}

function parseIp(text: string): ipaddr.IPv4 | ipaddr.IPv6 | undefined {
  if (text.length > MAX_TEXT) return undefined
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return ipaddr.IPv4.parse(text)
  return ipaddr.IPv6.isValid(text) && !text.includes('%') ? ipaddr.IPv6.parse(text) : undefined
}

const MAX_TEXT = 64
const BITS = /^(0|[1-9]\d{0,2})$/

function parseCidr(text: string): [ipaddr.IPv4 | ipaddr.IPv6, number] | undefined {
  const [ip = '', bits = '', ...more] = text.split('/')
  const address = parseIp(ip)
  if (address === undefined || more.length > 0 || !BITS.test(bits)) return undefined
  return Number(bits) <= address.toByteArray().length * 8 ? [address, Number(bits)] : undefined
}
