/**
 * Whose token it is, as it says itself: nobody here has verified it. The agent asks for a certificate of that pod, and the
 * callback decides.
 */
import { IdentityError } from '@pallas/identity'
import { isPodUid } from '@pallas/wire'
import type { PodName } from '../pods.ts'

type Json = Readonly<Record<string, unknown>>

/** Throws `TOKEN_UNBOUND` for anything that names no pod. */
export function claimedPodOf(token: string): PodName {
  const bound = objectAt(claimsOf(token), 'kubernetes.io')
  const { namespace } = bound
  const { name, uid } = objectAt(bound, 'pod')
  if (typeof namespace === 'string' && typeof name === 'string' && typeof uid === 'string' && isPodUid(uid)) return { namespace, name, uid }
  throw new IdentityError('TOKEN_UNBOUND', 'the token names no pod')
}

function claimsOf(token: string): Json {
  try {
    const claims: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'))
    return isObject(claims) ? claims : {}
  } catch {
    return {}
  }
}

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null
const objectAt = (parent: Json, key: string): Json => (isObject(parent[key]) ? parent[key] : {})
