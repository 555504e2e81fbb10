/** Asks the API server whose service account token this is: `authentication.k8s.io/v1` TokenReview. */
import type { KubeApi } from './api.ts'
import { KubernetesError } from './error.ts'
import { fieldsOf, isObject } from './json.ts'
import { apiVersionOf, pathOf, TOKEN_REVIEWS } from './resources.ts'

export type TokenVerdict =
  | {
      readonly authenticated: false
      /** What the API server says went wrong, where that is no verdict on the token that is known: it may not have been able to say. */
      readonly unclear?: string
    }
  | {
      readonly authenticated: true
      /** `system:serviceaccount:<namespace>:<name>` for a service account. */
      readonly username: string
      readonly groups: readonly string[]
      /** Those of the audiences asked for that the token is good for. */
      readonly audiences: readonly string[]
      /** Pod and node that the token is bound to, when it is. */
      readonly pod: { readonly name: string; readonly uid: string } | undefined
      readonly node: string | undefined
    }

/**
 * An invalid token, and one good for none of `audiences`, is an answer; that nobody could say is an error. An API server that
 * fails within (its account cannot be read) says "not authenticated" as well, and why in a text alone: `unclear`.
 */
export async function reviewToken(
  api: Pick<KubeApi, 'create'>,
  { token, audiences }: { readonly token: string; readonly audiences: readonly string[] },
  signal?: AbortSignal,
): Promise<TokenVerdict> {
  const review = {
    apiVersion: apiVersionOf(TOKEN_REVIEWS),
    kind: TOKEN_REVIEWS.kind,
    metadata: {},
    spec: { token, audiences },
  }
  const { status } = await api.create(pathOf(TOKEN_REVIEWS), review, signal)
  return isObject(status) ? verdictOf(status, audiences) : wrong('status')
}

function verdictOf(status: Readonly<Record<string, unknown>>, wanted: readonly string[]): TokenVerdict {
  const root = fieldsOf(status, 'status', wrong)
  const audiences = root.texts('audiences').filter((audience) => wanted.includes(audience))
  if (!root.flag('authenticated')) return refusalOf(root.text('error'))
  if (audiences.length === 0) return { authenticated: false }
  const user = fieldsOf(root.object('user'), 'status.user', wrong)
  const extra = fieldsOf(user.object('extra'), 'status.user.extra', wrong)
  const one = (key: string) => extra.texts(`authentication.kubernetes.io/${key}`)[0]
  const name = one('pod-name')
  const uid = one('pod-uid')
  return {
    authenticated: true,
    username: user.text('username') || wrong('status.user.username'),
    groups: user.texts('groups'),
    audiences,
    pod: name === undefined || uid === undefined ? undefined : { name, uid },
    node: one('node-name'),
  }
}

/**
 * What authenticators say of a token itself, as API servers word it. Not every failure within can be told from these: a pod
 * that cannot be read makes "has been invalidated" too, as one that is gone does.
 */
const VERDICTS = [
  /^invalid bearer token$/,
  /^service account token (has expired|is not valid yet|has been invalidated)$/i,
  /^token has been invalidated$/i,
  /^service account \S+ has been deleted$/,
  /^(service account|secret|pod|node) UID \(\S*\) does not match (claim|service account \w+ ref claim) \(\S*\)$/,
  /^(serviceaccounts|secrets|pods|nodes) "[^"]*" not found$/,
  /^token issuer "[^"]*" is invalid$/,
  /^token audiences \[[^\]]*\] is invalid for the target audiences \[[^\]]*\]$/,
  /^(invalid signature|no keys found)$/,
  /^(go-jose|square)\/go-jose: error in cryptographic primitive$/,
  /^unknown$/,
]
const LONGEST_TOLD = 500

function refusalOf(error: string): TokenVerdict {
  const parts = error.replace(/^\[(.*)\]$/s, '$1').split(', ')
  const isKnown = error === '' || parts.every((part) => VERDICTS.some((verdict) => verdict.test(part)))
  return isKnown ? { authenticated: false } : { authenticated: false, unclear: error.slice(0, LONGEST_TOLD) }
}

function wrong(path: string): never {
  throw new KubernetesError('KUBE_BAD_ANSWER', 'not a token review', { fields: { path } })
}
