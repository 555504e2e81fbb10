/**
 * What attestation data in the form of a service account token says of itself, read before anybody has verified it.
 *
 * It decides that something is refused without asking the API server, and nothing else: a forger who lies here is
 * refused by the signature, or there. What a token is believed, the API server has said (`verify-token.ts`).
 */
import { IdentityError, parseKeyId } from '@pallas/identity'
import { tokenClaimsOf } from '@pallas/kubernetes'
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
export function claimsIn({ payload }: Pick<CompactJws, 'payload'>): TokenClaims {
  const { audiences, subject, expiresAt, pod, node } = tokenClaimsOf(payload)
  if (subject === undefined || expiresAt === undefined) throw new IdentityError('TOKEN_MALFORMED', 'not the claims of a token')
  return { audiences, subject, expiresAt, podUid: pod?.uid !== undefined && isPodUid(pod.uid) ? pod.uid : undefined, node }
}
