/** Asks the API server whose service account token this is: `authentication.k8s.io/v1` TokenReview. */
import type { KubeApi } from './api.ts'
import { KubernetesError } from './error.ts'
import { fieldsOf, isObject } from './json.ts'
import { apiVersionOf, pathOf, TOKEN_REVIEWS } from './resources.ts'

export type TokenVerdict =
  | { readonly authenticated: false }
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

/** An invalid token, and one good for none of `audiences`, is an answer; that nobody could say is an error. */
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
  if (!root.flag('authenticated') || audiences.length === 0) return { authenticated: false }
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

function wrong(path: string): never {
  throw new KubernetesError('KUBE_BAD_ANSWER', 'not a token review', { fields: { path } })
}
