/**
 * Whether a service account token is one with which an agent may ask for its own identity, by the word of the API server
 * (TokenReview, asked for each request), and of which pod on which node. That answer may be ten seconds old, for it
 * remembers its answers: whether the pod is still there is for `confirm.ts` to ask.
 *
 * Anybody can send a token and write into it whose it is. So the signature is verified before anything is spent; where the
 * API server does not give its keys, the pod must at least be one that the watch shows.
 *
 * A token is not kept to one use: it is bound to its pod, whose end makes it worthless, and nobody else is given it.
 */
import { IdentityError, namespaceOf, type NameRules, type Pod, podState, type ReasonCode } from '@pallas/identity'
import type { TokenVerdict } from '@pallas/kubernetes'
import type { InFlight, Pace } from '@pallas/service'
import type { CompactJws } from './compact-jws.ts'
import type { TokenEvents } from './events.ts'
import { claimsIn, type TokenClaims } from './service-account-token.ts'
import type { Signature, TokenKeys } from './token-keys.ts'
import { CLOCK_SKEW_SECONDS } from './verify-document.ts'

export interface VerifyTokenDeps {
  /** The audience that a token must have. */
  readonly provider: string
  /** Service accounts of the admin domain's namespace. */
  readonly accounts: readonly string[]
  /** Throws `API_UNAVAILABLE`. */
  readonly review: (token: string) => Promise<TokenVerdict>
  readonly signatureOf: TokenKeys['signatureOf']
  /** As the watch of pods shows it: looked at where the signature cannot be verified. */
  readonly podByUid: (uid: string) => Pod | undefined
  /** How often one pod's token is shown to the API server, and all together. */
  readonly paces: { readonly pod: Pace; readonly all: Pace }
  /** How many are shown at a time. */
  readonly reviewing: InFlight
  readonly clock: { now(): number }
  readonly events: TokenEvents
}

/** Whose token it is, as the API server says. */
export interface TokenHolder {
  readonly namespace: string
  readonly name: string
  readonly uid: string
  readonly serviceAccount: string
  readonly node: string
}

export interface ShownToken {
  readonly text: string
  readonly jws: CompactJws
  /** What the certificate is asked for. */
  readonly instanceId: string | undefined
}

/** Throws `IdentityError`: a `TOKEN_*` reason, `INSTANCE_ID_MISMATCH`, or of kind `unavailable`. */
export async function verifyToken(shown: ShownToken, rules: NameRules, deps: VerifyTokenDeps): Promise<TokenHolder> {
  const { provider, paces, reviewing, clock, events } = deps
  const accounts = accountsIn(rules, deps.accounts)
  const claims = claimsIn(shown.jws)
  const now = clock.now() / 1_000
  const hopeless = hopelessness(claims, { provider, accounts, now })
  if (hopeless !== undefined) throw refused(hopeless)
  // Here too, so that the share of a pod is spent by nothing but what asks for a certificate of that pod.
  if (claims.podUid !== shown.instanceId) throw refused('INSTANCE_ID_MISMATCH')
  const signature = await deps.signatureOf(shown.jws)
  if (signature === 'forged') throw refused('TOKEN_NOT_AUTHENTIC')
  if (signature === 'unknown' && !isShown(claims, deps)) throw unavailable('neither the keys of tokens nor the watch of pods vouch for the token')
  const verdict = await reviewing(() => {
    // Of both or of neither: who is out of his share leaves the others theirs, and is not remembered while nobody has one.
    paces.all.check('')
    paces.pod.take(claims.podUid ?? '')
    paces.all.take('')
    return events.tokenReviewed(() => verdictOn(shown.text, signature, claims.expiresAt > now, deps))
  })
  if (!verdict.authenticated) throw refused(claims.expiresAt <= now ? 'TOKEN_EXPIRED' : 'TOKEN_NOT_AUTHENTIC')
  return holderOf(verdict, accounts)
}

/**
 * What is signed, ours and not over is refused for its pod or account alone: any other reason is a trouble of the API
 * server, which says "not authenticated" of that too.
 */
async function verdictOn(token: string, signature: Signature, isLive: boolean, { review }: Pick<VerifyTokenDeps, 'review'>): Promise<TokenVerdict> {
  const verdict = await review(token)
  if (verdict.authenticated || verdict.unclear === undefined || signature !== 'good' || !isLive) return verdict
  throw unavailable('the api server could not say whether a token is good', { detail: verdict.unclear })
}

/** Whether there is a pod such as the token says it is of. */
function isShown({ podUid, subject, node }: TokenClaims, { podByUid }: Pick<VerifyTokenDeps, 'podByUid'>): boolean {
  const pod = podUid === undefined ? undefined : podByUid(podUid)
  if (pod === undefined || podState(pod) === 'ended') return false
  return pod.node === node && subject === `system:serviceaccount:${pod.namespace}:${pod.serviceAccount}`
}

/** Why a token need not be shown to the API server, by what it says of itself. */
function hopelessness(claims: TokenClaims, { provider, accounts, now }: Hopes): ReasonCode | undefined {
  if (!claims.audiences.includes(provider)) return 'TOKEN_AUDIENCE'
  if (!accounts.has(claims.subject)) return 'TOKEN_ACCOUNT'
  if (claims.podUid === undefined || claims.node === undefined) return 'TOKEN_UNBOUND'
  return claims.expiresAt + CLOCK_SKEW_SECONDS <= now ? 'TOKEN_EXPIRED' : undefined
}

interface Hopes {
  readonly provider: string
  readonly accounts: Accounts
  readonly now: number
}

/** User name at the API server → namespace and name. */
type Accounts = ReadonlyMap<string, Pick<TokenHolder, 'namespace' | 'serviceAccount'>>

function holderOf({ username, pod, node }: Extract<TokenVerdict, { authenticated: true }>, accounts: Accounts): TokenHolder {
  const account = accounts.get(username)
  if (account === undefined) throw refused('TOKEN_ACCOUNT')
  if (pod === undefined || node === undefined || node === '') throw refused('TOKEN_UNBOUND')
  return { ...account, ...pod, node }
}

function accountsIn(rules: NameRules, names: readonly string[]): Accounts {
  const namespace = namespaceOf(rules.adminDomain, rules)
  // Then nobody asks with a token.
  if (namespace === undefined) return new Map()
  return new Map(names.map((name) => [`system:serviceaccount:${namespace}:${name}`, { namespace, serviceAccount: name }]))
}

const unavailable = (message: string, fields: Readonly<Record<string, unknown>> = {}) => new IdentityError('API_UNAVAILABLE', message, fields)

const refused = (code: ReasonCode) => new IdentityError(code, 'the token is not taken')
