/**
 * Whose token it is, as it says itself: nobody here has verified it. The agent asks for a certificate of that pod, and the
 * callback decides.
 */
import { IdentityError } from '@pallas/identity'
import { tokenClaimsOf } from '@pallas/kubernetes'
import { isPodUid } from '@pallas/wire'
import type { PodName } from '../pods.ts'

/** Throws `TOKEN_UNBOUND` for anything that names no pod. */
export function claimedPodOf(token: string): PodName {
  const { namespace, pod } = tokenClaimsOf(Buffer.from(token.split('.')[1] ?? '', 'base64url'))
  if (namespace !== undefined && pod?.name !== undefined && pod.uid !== undefined && isPodUid(pod.uid)) {
    return { namespace, name: pod.name, uid: pod.uid }
  }
  throw new IdentityError('TOKEN_UNBOUND', 'the token names no pod')
}
