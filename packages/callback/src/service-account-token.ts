/**
 * What attestation data in the form of a service account token says of itself, read before anybody has verified it.
 *
 * It decides that something is refused without asking the API server, and nothing else: a forger who lies here is
 * refused by the signature, or there. What a token is believed, the API server has said (`verify-token.ts`).
 */
import { IdentityError, parseKeyId } from '@pallas/identity'
import { isPodUid } from '@pallas/wire'
import type { CompactJws } from './compact-jws.ts'
import type { FlatObject } from './flat-json.ts'

export interface TokenClaims {
  readonly audiences: readonly string[]
  /** `system:serviceaccount:<namespace>:<name>`. */
  readonly subject: string
  /** Seconds since the epoch. */
  readonly expiresAt: number
  /** Undefined for a token that is bound to no pod. */
  readonly podUid: string | undefined
  /** Undefined for a token that is bound to no node. */
  readonly node: string | undefined
}

const HEADER_MEMBERS: ReadonlySet<string> = new Set(['alg', 'kid', 'typ'])
const ALGORITHM = /^(RS|ES|PS)(256|384|512)$/

/**
 * Whether the header is one that an API server writes: a key that has no name of ours, a signature by a key pair, and no
 * word more. Documents always name their key in `iss` too. Whatever is neither is judged as a document, and refused as one.
 */
export function isTokenHeader(header: FlatObject): boolean {
  if (header.keys().some((name) => !HEADER_MEMBERS.has(name)) || (header.get('typ') ?? 'JWT') !== 'JWT') return false
  const [algorithm, keyId] = [header.get('alg'), header.get('kid')]
  if (typeof algorithm !== 'string' || !ALGORITHM.test(algorithm)) return false
  return typeof keyId === 'string' && keyId !== '' && parseKeyId(keyId) === undefined
}

/** Throws `TOKEN_MALFORMED` for claims without subject or end. */
export function tokenClaimsOf({ payload }: Pick<CompactJws, 'payload'>): TokenClaims {
  const claims = objectIn(payload)
  const { sub, exp, aud } = claims
  if (typeof sub !== 'string' || typeof exp !== 'number') throw new IdentityError('TOKEN_MALFORMED', 'not the claims of a token')
  const bound = objectAt(claims, 'kubernetes.io')
  const podUid = textAt(objectAt(bound, 'pod'), 'uid')
  return {
    audiences: [aud].flat().filter((it) => typeof it === 'string'),
    subject: sub,
    expiresAt: exp,
    podUid: podUid !== undefined && isPodUid(podUid) ? podUid : undefined,
    node: textAt(objectAt(bound, 'node'), 'name'),
  }
}

type Json = Readonly<Record<string, unknown>>

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)
const objectAt = (parent: Json, key: string): Json => (isObject(parent[key]) ? parent[key] : {})
const textAt = (parent: Json, key: string): string | undefined => (typeof parent[key] === 'string' ? parent[key] : undefined)

function objectIn(payload: Uint8Array): Json {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload))
    return isObject(value) ? value : {}
  } catch {
    return {}
  }
}
