/** IP addresses: octets as certificates hold them ⇄ the canonical text, lower case and compressed (RFC 5952). */
import { malformed, X509Error } from './error.ts'

export function ipText(octets: Uint8Array): string {
  if (octets.length === 4) return octets.join('.')
  if (octets.length === 16) return compressed(groupsOf(octets))
  throw malformed('neither an ipv4 nor an ipv6 address')
}

/** Throws `X509_NAMES` for anything but dotted-decimal IPv4 or IPv6 without a zone. */
export function ipOctets(text: string): Uint8Array {
  const octets = text.includes(':') ? octetsOfV6(text) : octetsOfV4(text)
  if (octets !== undefined) return Uint8Array.from(octets)
  throw new X509Error('X509_NAMES', 'not an ip address')
}

const groupsOf = (octets: Uint8Array): readonly number[] =>
  Array.from({ length: 8 }, (_, i) => (octets[2 * i] ?? 0) * 256 + (octets[2 * i + 1] ?? 0))

/** The longest run of zeros goes, the first of several, and none of one alone. */
function compressed(groups: readonly number[]): string {
  let longest = { at: 0, length: 1 }
  for (let at = 0; at < groups.length; at++) {
    const end = groups.findIndex((group, i) => i >= at && group !== 0)
    const length = (end < 0 ? groups.length : end) - at
    if (length > longest.length) longest = { at, length }
  }
  if (longest.length === 1) return hex(groups)
  return `${hex(groups.slice(0, longest.at))}::${hex(groups.slice(longest.at + longest.length))}`
}

const hex = (groups: readonly number[]): string => groups.map((group) => group.toString(16)).join(':')

function octetsOfV4(text: string): number[] | undefined {
  const parts = text.split('.')
  // A leading zero would be octal to some readers.
  const isDecimal = parts.length === 4 && parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256)
  return isDecimal ? parts.map(Number) : undefined
}

/** RFC 4291, 2.2: eight groups, `::` for those that are zero, the last two as IPv4 if one likes. */
function octetsOfV6(text: string): number[] | undefined {
  const [head = '', tail, ...more] = text.split('::')
  const before = octetsOfGroups(head, tail === undefined)
  const after = tail === undefined ? [] : octetsOfGroups(tail, true)
  if (before === undefined || after === undefined || more.length > 0) return undefined
  const missing = 16 - before.length - after.length
  if (tail === undefined ? missing !== 0 : missing < 2) return undefined
  return [...before, ...Array.from({ length: missing }, () => 0), ...after]
}

function octetsOfGroups(text: string, isEnd: boolean): number[] | undefined {
  if (text === '') return []
  const octets: number[] = []
  const groups = text.split(':')
  for (const [index, group] of groups.entries()) {
    const dotted = isEnd && index === groups.length - 1 ? octetsOfV4(group) : undefined
    if (dotted === undefined && !/^[0-9a-f]{1,4}$/i.test(group)) return undefined
    const value = Number.parseInt(group, 16)
    octets.push(...(dotted ?? [value >> 8, value & 255]))
  }
  return octets
}
