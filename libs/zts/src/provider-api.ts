/**
 * What ZTS asks an instance provider, and the answer it takes (spec `zts.md` 5, `zts-recorded.md` 2 and 3).
 *
 * A no is not a body but a status: 403 denied, 504 not now. Every other status reaches the client of ZTS as a denial.
 */
import { IdentityError } from '@pallas/identity'
import { isObject } from './json.ts'

/** Below the provider's endpoint; `identity` is the path of the original suite. */
export const PROVIDER_ROUTES = { register: '/instance', refresh: '/refresh', identity: '/identity' } as const

export interface InstanceConfirmation {
  readonly provider: string
  readonly domain: string
  readonly service: string
  /** What the agent sent; undefined on a refresh without any. */
  readonly attestationData: string | undefined
  readonly attributes: InstanceAttributes
}

/**
 * Facts that ZTS adds. The SANs are those it shows: it hides wildcards of the own service and e-mail addresses.
 * Lists keep order and duplicates. A comma within a name cannot be told from one between names.
 */
export interface InstanceAttributes {
  readonly instanceId: string | undefined
  /** Whoever dialled ZTS, as it saw or was told. */
  readonly clientIp: string | undefined
  readonly sanDns: readonly string[]
  /** As Java writes them: IPv6 in full, without `::`. */
  readonly sanIp: readonly string[]
  readonly sanUri: readonly string[]
  readonly hostname: string | undefined
  /** `<domain>.<service>` of the certificate that came with the request. */
  readonly principal: string | undefined
  readonly cloud: string | undefined
}

/** More than ZTS passes on in practice, and than a document of ours needs. */
const LIMITS = {
  key: 64,
  name: 512,
  attestationData: 256 * 1024,
  attributes: 64,
  attribute: 16 * 1024,
  list: 256,
} as const

/** Reads a parsed body; unknown keys are fine. Throws `IdentityError` `BODY_INVALID`, naming the key in `fields`. */
export function parseInstanceConfirmation(body: unknown): InstanceConfirmation {
  if (!isObject(body)) throw invalid('body')
  const attestationData = optionalText(body, 'attestationData', LIMITS.attestationData)
  return {
    provider: requiredText(body, 'provider'),
    domain: requiredText(body, 'domain'),
    service: requiredText(body, 'service'),
    attestationData: attestationData === '' ? undefined : attestationData,
    attributes: attributesOf(body['attributes'] ?? {}),
  }
}

function attributesOf(value: unknown): InstanceAttributes {
  if (!isObject(value) || Object.keys(value).length > LIMITS.attributes) throw invalid('attributes')
  const attributes = new Map<string, string>()
  for (const key of Object.keys(value)) {
    const text = optionalText(value, key, LIMITS.attribute)
    if (text !== undefined) attributes.set(key, text)
  }
  return {
    instanceId: attributes.get('instanceId'),
    clientIp: attributes.get('clientIP'),
    sanDns: listOf(attributes, 'sanDNS'),
    sanIp: listOf(attributes, 'sanIP'),
    sanUri: listOf(attributes, 'sanURI'),
    hostname: attributes.get('hostname'),
    principal: attributes.get('principal'),
    cloud: attributes.get('instanceCloud'),
  }
}

function listOf(attributes: ReadonlyMap<string, string>, key: string): string[] {
  const text = attributes.get(key) ?? ''
  const items = text === '' ? [] : text.split(',')
  if (items.length > LIMITS.list) throw invalid(key)
  return items
}

function requiredText(from: Readonly<Record<string, unknown>>, key: string): string {
  const text = optionalText(from, key, LIMITS.name) ?? ''
  if (text === '') throw invalid(key)
  return text
}

/** Absent and null are the same: Java writes both. */
function optionalText(from: Readonly<Record<string, unknown>>, key: string, limit: number): string | undefined {
  const value = Object.hasOwn(from, key) ? from[key] : undefined
  if (value === undefined || value === null) return undefined
  if (typeof value === 'string' && value.length <= limit) return value
  throw invalid(key)
}

const invalid = (key: string) =>
  new IdentityError('BODY_INVALID', 'not an instance confirmation', { key: key.slice(0, LIMITS.key) })

/** What a provider may decide about the certificate. ZTS hands every other attribute to the client: there is none. */
export interface CertificateTerms {
  /** Shortens the life; ZTS takes the least of its own, the client's and this. */
  readonly expiryMinutes?: number
  readonly usage?: 'client' | 'server'
  /** False at register: ZTS keeps no record and refreshes without a look at lineage. */
  readonly refreshable?: boolean
  readonly subjectOu?: string
}

/** The body of a yes: status exactly 200, `application/json`. A sixth key would turn it into a no. */
export function formatConfirmationAnswer(
  { provider, domain, service }: Pick<InstanceConfirmation, 'provider' | 'domain' | 'service'>,
  { expiryMinutes, usage, refreshable, subjectOu }: CertificateTerms = {},
): string {
  const attributes = {
    ...(expiryMinutes === undefined ? {} : { certExpiryTime: String(expiryMinutes) }),
    ...(usage === undefined ? {} : { certUsage: usage }),
    ...(refreshable === undefined ? {} : { certRefresh: String(refreshable) }),
    ...(subjectOu === undefined ? {} : { certSubjectOU: subjectOu }),
  }
  // The document came for us alone: it is not sent back.
  return JSON.stringify({ provider, domain, service, attestationData: '', attributes })
}
