/** Who calls: static tokens of the world's users, and service account tokens that this server signs. */
import { createLocalJWKSet, type CryptoKey, exportJWK, generateKeyPair, type JWK, jwtVerify, SignJWT } from 'jose'
import { isObject } from '../../json.ts'
import { NODES, PODS, SERVICE_ACCOUNTS } from '../../resources.ts'
import { unauthorized } from './failure.ts'
import { peekAt, textAt } from './object.ts'
import type { Store } from './store.ts'

export interface User {
  readonly username: string
  readonly uid?: string
  readonly groups: readonly string[]
  readonly extra?: Readonly<Record<string, readonly string[]>>
}

export interface TokenRequest {
  readonly namespace: string
  readonly name: string
  readonly audiences: readonly string[]
  readonly expirationSeconds: number
  readonly pod?: string
}

export interface Authenticator {
  /** A token for a user of the world; throws for a name that is none. */
  tokenFor(username: string): string
  /** Throws 404 for an account or pod that is not there. */
  mint(request: TokenRequest): Promise<{ readonly token: string; readonly expiresAt: number }>
  /** Undefined for a token that is nobody's, too old, for other audiences, or bound to what is no more. */
  review(token: string, audiences: readonly string[]): Promise<{ user: User; audiences: readonly string[] } | undefined>
  /** Throws 401: there are no anonymous callers. */
  authenticate(authorization: string | undefined): Promise<User>
  /** Public keys of the account tokens, the latest first. */
  readonly jwks: { readonly keys: readonly object[] }
  /** From now on another key signs. Those before verify on, unless they are dropped. */
  rotateKeys(before: 'kept' | 'dropped'): Promise<void>
}

export const API_AUDIENCE = 'https://kubernetes.default.svc'

export interface AuthenticatorOptions {
  readonly users: Readonly<Record<string, { readonly groups?: readonly string[]; readonly token?: string }>>
  readonly store: Store
  readonly now: () => number
}

export async function createAuthenticator({ users, store, now }: AuthenticatorOptions): Promise<Authenticator> {
  let { privateKey, jwk } = await newTokenKey()
  let jwks = { keys: [jwk] }
  const tokens = new Map(Object.entries(users).map(([name, { token }]) => [name, token ?? crypto.randomUUID()]))

  async function mint({ namespace, name, audiences, expirationSeconds, pod }: TokenRequest) {
    const account = store.get(SERVICE_ACCOUNTS, { namespace, name })
    const bound = pod === undefined ? undefined : store.get(PODS, { namespace, name: pod })
    const node = bound === undefined ? '' : textAt(peekAt(bound, 'spec'), 'nodeName')
    const nodeUid = node === '' ? undefined : store.find(NODES, { namespace: undefined, name: node })?.metadata.uid
    const issuedAt = Math.floor(now() / 1_000)
    const claims = {
      namespace,
      serviceaccount: { name, uid: account.metadata.uid },
      ...(bound === undefined ? {} : { pod: { name: bound.metadata.name, uid: bound.metadata.uid } }),
      ...(nodeUid === undefined ? {} : { node: { name: node, uid: nodeUid } }),
    }
    const token = await new SignJWT({ 'kubernetes.io': claims })
      .setProtectedHeader({ alg: 'ES256', kid: jwk.kid })
      .setIssuer(API_AUDIENCE)
      .setSubject(`system:serviceaccount:${namespace}:${name}`)
      .setAudience([...audiences])
      .setIssuedAt(issuedAt)
      .setNotBefore(issuedAt)
      .setExpirationTime(issuedAt + expirationSeconds)
      .setJti(crypto.randomUUID())
      .sign(privateKey)
    return { token, expiresAt: (issuedAt + expirationSeconds) * 1_000 }
  }

  async function review(token: string, audiences: readonly string[]) {
    const known = [...tokens].find(([, value]) => value === token)?.[0]
    if (known !== undefined) {
      const groups = [...(users[known]?.groups ?? []), 'system:authenticated']
      return audiences.includes(API_AUDIENCE)
        ? { user: { username: known, groups }, audiences: [API_AUDIENCE] }
        : undefined
    }
    const verified = await jwtVerify(token, createLocalJWKSet(jwks), {
      issuer: API_AUDIENCE,
      audience: [...audiences],
      currentDate: new Date(now()),
    }).catch(() => undefined)
    const user = verified === undefined ? undefined : accountOf(verified.payload, store)
    if (verified === undefined || user === undefined) return undefined
    const meant = [verified.payload.aud ?? []].flat()
    return { user, audiences: audiences.filter((audience) => meant.includes(audience)) }
  }

  async function authenticate(authorization: string | undefined) {
    const [, token] = /^Bearer ([\x21-\x7e]+)$/i.exec(authorization ?? '') ?? []
    const found = token === undefined ? undefined : await review(token, [API_AUDIENCE])
    if (found === undefined) throw unauthorized()
    return found.user
  }

  function tokenFor(username: string): string {
    const token = tokens.get(username)
    if (token === undefined) throw new Error(`no such user in this world: ${username}`)
    return token
  }

  async function rotateKeys(before: 'kept' | 'dropped') {
    const next = await newTokenKey()
    privateKey = next.privateKey
    jwk = next.jwk
    jwks = { keys: [jwk, ...(before === 'kept' ? jwks.keys : [])] }
  }

  return {
    tokenFor,
    mint,
    review,
    authenticate,
    rotateKeys,
    get jwks() {
      return jwks
    },
  }
}

async function newTokenKey(): Promise<{ readonly privateKey: CryptoKey; readonly jwk: JWK & { readonly kid: string } }> {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
  return { privateKey, jwk: { ...(await exportJWK(publicKey)), alg: 'ES256', use: 'sig', kid: crypto.randomUUID() } }
}

/** The account of a verified token, unless it, or the pod that the token is bound to, was deleted or made anew. */
function accountOf(payload: Readonly<Record<string, unknown>>, store: Store): User | undefined {
  const claims = payload['kubernetes.io']
  if (!isObject(claims) || !isObject(claims['serviceaccount'])) return undefined
  const namespace = textAt(claims, 'namespace')
  const { name, uid } = refOf(claims['serviceaccount'])
  if (store.find(SERVICE_ACCOUNTS, { namespace, name })?.metadata.uid !== uid) return undefined
  const pod = isObject(claims['pod']) ? refOf(claims['pod']) : undefined
  if (pod !== undefined && store.find(PODS, { namespace, name: pod.name })?.metadata.uid !== pod.uid) return undefined
  const node = isObject(claims['node']) ? refOf(claims['node']) : undefined
  const extra = { 'credential-id': `JTI=${textAt(payload, 'jti')}`, ...named('pod', pod), ...named('node', node) }
  return {
    username: `system:serviceaccount:${namespace}:${name}`,
    uid,
    groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
    extra: Object.fromEntries(
      Object.entries(extra).map(([key, value]) => [`authentication.kubernetes.io/${key}`, [value]]),
    ),
  }
}

const refOf = (claim: Readonly<Record<string, unknown>>) => ({ name: textAt(claim, 'name'), uid: textAt(claim, 'uid') })

const named = (kind: string, ref: { name: string; uid: string } | undefined): Record<string, string> =>
  ref === undefined ? {} : { [`${kind}-name`]: ref.name, [`${kind}-uid`]: ref.uid }
