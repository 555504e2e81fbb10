/** `/openid/v1/jwks`, as a real API server serves it: to service accounts, in one media type. */
import type { User } from './authn.ts'
import type { Answer, ApiContext } from './context.ts'
import { ApiFailure } from './failure.ts'

const PATH = '/openid/v1/jwks'
const TYPE = 'application/jwk-set+json'
/** Whom `system:service-account-issuer-discovery` is bound to, and those who may do everything. */
const READERS = ['system:serviceaccounts', 'system:masters']

export interface OpenIdCall {
  readonly method: string
  readonly path: string
  readonly accept: string
  readonly user: User
}

/** Undefined for what is asked for elsewhere. Throws 403 and 406. */
export function openIdAnswer({ method, path, accept, user }: OpenIdCall, { authn }: ApiContext): Answer | undefined {
  if (method !== 'GET' || path.split('?')[0] !== PATH) return undefined
  if (!user.groups.some((group) => READERS.includes(group))) {
    throw new ApiFailure(403, 'Forbidden', `forbidden: User "${user.username}" cannot get path "${PATH}"`)
  }
  const types = accept.split(',').map((type) => type.split(';')[0]?.trim())
  if (!types.some((type) => type === TYPE || type === '*/*' || type === 'application/*')) throw new ApiFailure(406, 'NotAcceptable', `only ${TYPE} is served`)
  return { status: 200, body: authn.jwks, type: TYPE }
}
