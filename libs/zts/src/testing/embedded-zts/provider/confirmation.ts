/** What a ZTS tells a provider's callback, and how it takes the reply (spec `zts-recorded.md` 2 and 3). */
import { isIPv6 } from 'node:net'
import { isObject } from '../../../json.ts'
import { PageRefusal, Refusal } from '../answer.ts'
import type { Caller } from '../calls.ts'
import type { ProviderReply } from './provider-call.ts'

export interface ConfirmationText {
  readonly provider: string
  readonly domain: string
  readonly service: string
  readonly attestationData: string | undefined
  readonly attributes: Readonly<Record<string, string | undefined>>
}

/** The order in which Java's `HashMap` gives the keys that occur here. */
const ATTRIBUTE_ORDER = [
  'principal',
  'hostname',
  'certRsaModHash',
  'instanceId',
  'certIssuerDn',
  'sanIP',
  'clientIP',
  'certHostname',
  'instanceCloud',
  'sanURI',
  'sanDNS',
  'certSubjectDn',
]

export function confirmationBody({ provider, domain, service, attestationData, attributes }: ConfirmationText): string {
  const inOrder = ATTRIBUTE_ORDER.flatMap((key) => (attributes[key] === undefined ? [] : [[key, attributes[key]]]))
  const body = { provider, domain, service, attestationData: attestationData ?? null }
  return JSON.stringify({ ...body, attributes: Object.fromEntries(inOrder) })
}

/** `,` between items; a list that is empty is left out. */
export const listed = (items: readonly string[]): string | undefined =>
  items.length === 0 ? undefined : items.join(',')

/** As `InetAddress` writes it: IPv6 in full, without `::`; an IPv4 address inside IPv6 as IPv4. */
export function javaAddress(address: string): string {
  if (!isIPv6(address)) return address
  const [, v4] = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address) ?? []
  if (v4 !== undefined) return v4
  const groups = new URL(`http://[${address}]`).hostname.slice(1, -1)
  const [head = '', tail] = groups.split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = Array<string>(8 - left.length - right.length).fill('0')
  return [...left, ...(tail === undefined ? [] : zeros), ...right].join(':')
}

/** The attributes of a yes. Everything else is thrown as what the client of ZTS gets to see. */
export function takeReply(reply: ProviderReply, caller: Caller): ReadonlyMap<string, string> {
  const no = (status: number, problem: string) =>
    new Refusal(status, `unable to verify attestation data: ${problem}${trailOf(caller)}`)
  if (reply.kind === 'failure') throw no(504, reply.problem)
  if (reply.status !== 200) {
    const text = `ResourceException (${reply.status}): ${reply.body.replaceAll(/\r?\n/g, ' ')}`
    throw no(reply.status === 504 ? 504 : 403, text)
  }
  const mediaType = reply.contentType.split(';', 1)[0]?.trim().toLowerCase() || 'application/octet-stream'
  if (mediaType !== 'application/json') {
    const type = 'type=class com.yahoo.athenz.instance.provider.InstanceConfirmation'
    throw no(403, `MessageBodyReader not found for media type=${mediaType}, ${type}`)
  }
  if (reply.body.trim() === '' || reply.body.trim() === 'null') throw new PageRefusal(500)
  const attributes = readAttributes(reply.body)
  if (attributes === undefined) throw no(403, 'Error reading entity from input stream.')
  return attributes
}

const trailOf = ({ userAgent, clientIp, hostname }: Caller) =>
  ` client: ${userAgent ?? null} clientIP: ${clientIp} clientHost: ${hostname ?? null}`

const KEYS: ReadonlySet<string> = new Set(['provider', 'domain', 'service', 'attestationData', 'attributes'])

/** Undefined where Java's reader would give up: a sixth key, or an object where a text must be. */
function readAttributes(body: string): ReadonlyMap<string, string> | undefined {
  let reply: unknown
  try {
    reply = JSON.parse(body)
  } catch {
    return undefined
  }
  if (!isObject(reply) || !Object.keys(reply).every((key) => KEYS.has(key))) return undefined
  const { attributes, ...texts } = reply
  const map = attributes ?? {}
  if (!Object.values(texts).every(isScalar) || !isObject(map)) return undefined
  const entries = Object.entries(map)
  if (!entries.every(([, value]) => isScalar(value))) return undefined
  return new Map(entries.flatMap(([key, value]) => (isScalar(value) && value !== null ? [[key, String(value)]] : [])))
}

const isScalar = (value: unknown): value is string | number | boolean | null =>
  value === null || ['string', 'number', 'boolean'].includes(typeof value)
