/**
 * What a ServiceAccount token says of itself: nobody has verified it here.
 *
 * Whatever is absent or of another type is undefined, for any claim may be that of a forger.
 */
import { isObject, type JsonObject, parseJson } from './json.ts'

export interface TokenClaims {
  readonly audiences: readonly string[]
  /** `system:serviceaccount:<namespace>:<name>`. */
  readonly subject: string | undefined
  /** Seconds since the epoch. */
  readonly expiresAt: number | undefined
  readonly namespace: string | undefined
  /** Undefined for a token that is bound to no pod. */
  readonly pod: { readonly name: string | undefined; readonly uid: string | undefined } | undefined
  /** Undefined for a token that is bound to no node. */
  readonly node: string | undefined
}

/** Takes the second part of the token, out of its base64url. Bytes that are no JSON object claim nothing. */
export function tokenClaimsOf(payload: Uint8Array): TokenClaims {
  const claims = objectIn(payload)
  const bound = objectAt(claims, 'kubernetes.io') ?? {}
  const pod = objectAt(bound, 'pod')
  return {
    audiences: [claims['aud']].flat().filter((it) => typeof it === 'string'),
    subject: textAt(claims, 'sub'),
    expiresAt: typeof claims['exp'] === 'number' ? claims['exp'] : undefined,
    namespace: textAt(bound, 'namespace'),
    pod: pod === undefined ? undefined : { name: textAt(pod, 'name'), uid: textAt(pod, 'uid') },
    node: textAt(objectAt(bound, 'node') ?? {}, 'name'),
  }
}

function objectIn(payload: Uint8Array): JsonObject {
  try {
    const value = parseJson(new TextDecoder('utf-8', { fatal: true }).decode(payload))
    return isObject(value) ? value : {}
  } catch {
    return {}
  }
}

const objectAt = (parent: JsonObject, key: string): JsonObject | undefined => (isObject(parent[key]) ? parent[key] : undefined)
const textAt = (parent: JsonObject, key: string): string | undefined => (typeof parent[key] === 'string' ? parent[key] : undefined)
