/** Subject alternative names: the extension's value ⇄ lists of text. */
import { type Der, readDer } from './der.ts'
import { malformed, X509Error } from './error.ts'
import { ipOctets, ipText } from './ip.ts'
import {
  asContext,
  ascii,
  asciiOf,
  bytesOf,
  inContext,
  isVisible,
  partsOf,
  primitive,
  TAG,
} from './values.ts'

export interface AltNames {
  readonly dns: readonly string[]
  /** Canonical text. */
  readonly ip: readonly string[]
  readonly uri: readonly string[]
  readonly email: readonly string[]
  /** How many names of other kinds there are. */
  readonly other: number
}

export const NO_NAMES: AltNames = { dns: [], ip: [], uri: [], email: [], other: 0 }

const EMAIL = asContext(1)
const DNS = asContext(2)
const URI = asContext(6)
const IP = asContext(7)

/** Other names, X.400 addresses, directory names, EDI parties, registered ids: counted, not read. */
const OTHER_KINDS: ReadonlySet<number> = new Set([inContext(0), inContext(3), inContext(4), inContext(5), asContext(8)])

export const dnsName = (text: string): Der => textName(DNS, text)
export const emailName = (text: string): Der => textName(EMAIL, text)
export const uriName = (text: string): Der => textName(URI, text)
export const ipName = (text: string): Der => primitive(IP, ipOctets(text))

type CsrAltNames = Pick<AltNames, 'dns' | 'ip' | 'uri'> & Partial<Pick<AltNames, 'email'>>

/** Order DNS, e-mail, IP, URI, as the original wrote its CSRs. */
export const namesInCsrOrder = ({ dns, email = [], ip, uri }: CsrAltNames): readonly Der[] => [
  ...dns.map(dnsName),
  ...email.map(emailName),
  ...ip.map(ipName),
  ...uri.map(uriName),
]

/** Throws `X509_MALFORMED` for an empty list, an empty name, a NUL or anything outside printable ASCII. */
export function readAltNames(value: Uint8Array): AltNames {
  const names = partsOf(readDer(value), TAG.sequence)
  if (names.length === 0) throw malformed('an empty list of names')
  const texts = (tag: number) => names.filter((name) => name.tag === tag).map((name) => nameText(name, tag))
  const known = { dns: texts(DNS), email: texts(EMAIL), uri: texts(URI), ip: addresses(names) }
  const other = names.filter((name) => OTHER_KINDS.has(name.tag)).length
  const count = known.dns.length + known.email.length + known.uri.length + known.ip.length + other
  if (count < names.length) throw malformed('a name of no known kind')
  return { ...known, other }
}

const addresses = (names: readonly Der[]) =>
  names.filter((name) => name.tag === IP).map((name) => ipText(bytesOf(name, IP)))

function nameText(name: Der, tag: number): string {
  const text = asciiOf(name, tag)
  if (text !== '') return text
  throw malformed('an empty name')
}

function textName(tag: number, text: string): Der {
  if (text !== '' && isVisible(text)) return ascii(tag, text)
  throw new X509Error('X509_NAMES', 'a name is empty or not printable ascii')
}
