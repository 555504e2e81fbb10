/**
 * The public keys with which an API server says it verifies service account tokens: `/openid/v1/jwks`, which every service
 * account may read (`system:service-account-issuer-discovery`).
 */
import { createPublicKey, type KeyObject } from 'node:crypto'
import type { KubeApi } from './api.ts'
import { KubernetesError } from './error.ts'
import { isObject, type JsonObject } from './json.ts'

export interface TokenKey {
  readonly id: string
  /** The one algorithm that API servers use with a key of its kind: what a token says of it decides nothing. */
  readonly algorithm: TokenAlgorithm
  readonly key: KeyObject
}

export type TokenAlgorithm = 'RS256' | 'ES256' | 'ES384' | 'ES512'

const PATH = '/openid/v1/jwks'
/** API servers have it in the first only, and refuse who asks for the second alone. */
const ACCEPT = 'application/jwk-set+json, application/json'
const MAX_BYTES = 256 * 1024
const MOST_KEYS = 100
const RSA_BITS = { min: 1_024, max: 16_384 }

const OF_CURVE: Readonly<Record<string, TokenAlgorithm>> = { 'P-256': 'ES256', 'P-384': 'ES384', 'P-521': 'ES512' }

/** Keys of other kinds or uses are left out. `KUBE_BAD_ANSWER` for what is no set of keys, has too many, or none of use. */
export async function readTokenKeys(api: Pick<KubeApi, 'read'>, signal?: AbortSignal): Promise<readonly TokenKey[]> {
  const set = await api.read(PATH, { accept: ACCEPT, maxBytes: MAX_BYTES }, signal)
  const keys = isObject(set) ? set['keys'] : undefined
  if (!Array.isArray(keys)) throw bad('not a set of keys')
  if (keys.length > MOST_KEYS) throw bad('too many keys')
  const usable = keys.flatMap((key: unknown) => (isObject(key) ? (tokenKeyOf(key) ?? []) : []))
  if (usable.length === 0) throw bad('no key that verifies tokens')
  return usable
}

function tokenKeyOf(jwk: JsonObject): TokenKey | undefined {
  const { kid: id, use = 'sig', alg } = jwk
  const algorithm = algorithmOf(jwk)
  if (typeof id !== 'string' || id === '' || use !== 'sig' || algorithm === undefined || (alg ?? algorithm) !== algorithm) return undefined
  const key = publicKeyOf(jwk)
  return key && { id, algorithm, key }
}

function algorithmOf({ kty, crv }: JsonObject): TokenAlgorithm | undefined {
  if (kty === 'RSA') return 'RS256'
  return kty === 'EC' && typeof crv === 'string' && Object.hasOwn(OF_CURVE, crv) ? OF_CURVE[crv] : undefined
}

/** Of its public members alone. */
function publicKeyOf(jwk: JsonObject): KeyObject | undefined {
  const members = ['kty', 'crv', 'x', 'y', 'n', 'e'].flatMap((name) => (typeof jwk[name] === 'string' ? [[name, jwk[name]]] : []))
  try {
    const key = createPublicKey({ key: Object.fromEntries(members), format: 'jwk' })
    const { modulusLength = RSA_BITS.min } = key.asymmetricKeyDetails ?? {}
    return modulusLength >= RSA_BITS.min && modulusLength <= RSA_BITS.max ? key : undefined
  } catch {
    return undefined
  }
}

const bad = (message: string) => new KubernetesError('KUBE_BAD_ANSWER', message)
