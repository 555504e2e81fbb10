/** Questions put as objects that are answered and not kept: TokenReview, SubjectAccessReview, TokenRequest. */
import { formatTime } from '../../times.ts'
import { API_AUDIENCE } from './authn.ts'
import { isAllowed } from './authz.ts'
import type { Answer, ApiContext, Target } from './context.ts'
import { badRequest } from './failure.ts'
import { type Json, peekAt, textAt } from './object.ts'

const textsAt = (parent: Json, key: string): readonly string[] => {
  const value = parent[key]
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : []
}

export async function answerTokenReview({ authn }: ApiContext, body: Json): Promise<Answer> {
  const spec = peekAt(body, 'spec')
  const asked = textsAt(spec, 'audiences')
  const audiences = asked.length === 0 ? [API_AUDIENCE] : asked
  const found = await authn.review(textAt(spec, 'token'), audiences)
  const status =
    found === undefined
      ? { user: {}, error: '[invalid bearer token, unknown]' }
      : { authenticated: true, user: found.user, audiences: found.audiences }
  return { status: 201, body: { ...body, kind: 'TokenReview', apiVersion: 'authentication.k8s.io/v1', status } }
}

export function answerAccessReview({ rules }: ApiContext, body: Json): Answer {
  const spec = peekAt(body, 'spec')
  const user = { username: textAt(spec, 'user'), groups: textsAt(spec, 'groups') }
  if (user.username === '' && user.groups.length === 0)
    throw badRequest('at least one of user or group must be specified')
  const about = peekAt(spec, 'resourceAttributes')
  const allowed = isAllowed(rules(), user, {
    verb: textAt(about, 'verb'),
    group: textAt(about, 'group'),
    resource: textAt(about, 'resource'),
    subresource: textAt(about, 'subresource'),
    name: textAt(about, 'name'),
    namespace: textAt(about, 'namespace'),
  })
  const status = allowed ? { allowed, reason: 'RBAC: allowed by a rule of this world' } : { allowed }
  return { status: 201, body: { ...body, kind: 'SubjectAccessReview', apiVersion: 'authorization.k8s.io/v1', status } }
}

const SHORTEST_TOKEN_SECONDS = 600

/** `serviceaccounts/<name>/token`. */
export async function answerTokenRequest(
  { authn }: ApiContext,
  { namespace, name }: Target,
  body: Json,
): Promise<Answer> {
  const spec = peekAt(body, 'spec')
  const asked = textsAt(spec, 'audiences')
  const audiences = asked.length === 0 ? [API_AUDIENCE] : asked
  const expirationSeconds = typeof spec['expirationSeconds'] === 'number' ? spec['expirationSeconds'] : 3_600
  if (expirationSeconds < SHORTEST_TOKEN_SECONDS) {
    throw badRequest('spec.expirationSeconds: Invalid value: may not specify a duration less than 10 minutes')
  }
  const bound = peekAt(spec, 'boundObjectRef')
  const pod = textAt(bound, 'kind') === 'Pod' ? { pod: textAt(bound, 'name') } : {}
  const { token, expiresAt } = await authn.mint({ namespace, name, audiences, expirationSeconds, ...pod })
  const status = { token, expirationTimestamp: formatTime(expiresAt) }
  const kept = { ...spec, audiences, expirationSeconds }
  const metadata = { name, namespace }
  return {
    status: 201,
    body: { kind: 'TokenRequest', apiVersion: 'authentication.k8s.io/v1', metadata, spec: kept, status },
  }
}
