/** Which names certificates below an authority may have (RFC 5280, 4.2.1.10): those that are listed, none else of their kinds. */
import { dnsName } from './alt-names.ts'
import type { Der } from './der.ts'
import { ipOctets } from './ip.ts'
import { asContext, ascii, primitive, sequence, wrapped } from './values.ts'

export interface NameLimits {
  /** A name stands for those below it too. */
  readonly dns: readonly string[]
  readonly ip: readonly string[]
}

const IP = asContext(7)

/** Of a kind with no name at all, every name is excluded. Of e-mail addresses and URIs, by which no server is called, nothing is said. */
export function nameConstraints({ dns, ip }: NameLimits): Der {
  const permitted = [...dns.map(dnsName), ...ip.map(oneAddress)]
  const excluded = [
    ...(dns.length === 0 ? [ascii(asContext(2), '')] : []),
    ...(ip.length === 0 ? [everyAddress(4), everyAddress(16)] : []),
  ]
  return sequence(...trees(0, permitted), ...trees(1, excluded))
}

const oneAddress = (text: string): Der => {
  const octets = ipOctets(text)
  return primitive(IP, Uint8Array.from([...octets, ...octets.map(() => 0xff)]))
}

const everyAddress = (octets: number): Der => primitive(IP, new Uint8Array(2 * octets))

const trees = (n: number, names: readonly Der[]): Der[] => (names.length === 0 ? [] : [wrapped(n, ...names.map((name) => sequence(name)))])
