import { IdentityError, type Pod } from '@pallas/identity'
import { aPod, someNameRules } from '@pallas/identity/testing'
import type { TokenVerdict } from '@pallas/kubernetes'
import { FakeClock } from '@pallas/runtime/testing'
import { boundInFlight, createPace } from '@pallas/service'
import { describe, expect, test } from 'vitest'
import { parseCompactJws } from './compact-jws.ts'
import { isTokenHeader } from './service-account-token.ts'
import { goodHeader, segment } from './testing/documents.ts'
import type { Signature } from './token-keys.ts'
import { verifyToken, type VerifyTokenDeps } from './verify-token.ts'

const NOW = Date.parse('2030-01-01T00:00:00Z')
const PROVIDER = 'k8s.admin.athenz-callback'
const ACCOUNT = 'system:serviceaccount:k8s-admin:athenz-identity-agent'
const UID = '6f2c6a6e-0a3c-4b38-9a0a-3a7c1d1e2f01'
const HEADER = { alg: 'RS256', kid: 'LnK0bGZ5' }

const CLAIMS = {
  aud: [PROVIDER],
  sub: ACCOUNT,
  exp: NOW / 1_000 + 3_600,
  'kubernetes.io': { namespace: 'k8s-admin', pod: { name: 'agent-a', uid: UID }, node: { name: 'node-1', uid: 'n' } },
}

const jwsOf = (claims: unknown, header: unknown = HEADER): string => `${segment(header)}.${segment(claims)}.${segment('signature')}`

const isToken = (header: unknown) => isTokenHeader(parseCompactJws(jwsOf({}, header))?.header ?? new Map())
const uidOf = (n: number): string => `6f2c6a6e-0a3c-4b38-9a0a-${String(n).padStart(12, '0')}`
const other = (n: number) => ({ ...CLAIMS, 'kubernetes.io': { ...CLAIMS['kubernetes.io'], pod: { name: 'a', uid: uidOf(n) } } })

const GOOD: TokenVerdict = {
  authenticated: true,
  username: ACCOUNT,
  groups: [],
  audiences: [PROVIDER],
  pod: { name: 'agent-a', uid: UID },
  node: 'node-1',
}

function open(verdict: TokenVerdict | (() => Promise<TokenVerdict>) = GOOD, other: Partial<VerifyTokenDeps> = {}) {
  const clock = new FakeClock('2030-01-01T00:00:00Z')
  const shown: string[] = []
  const deps: VerifyTokenDeps = {
    provider: PROVIDER,
    accounts: ['athenz-identity-agent'],
    review: async (token) => {
      shown.push(token)
      return typeof verdict === 'function' ? verdict() : verdict
    },
    paces: { pod: createPace({ clock, burst: 2, refillMs: 10_000 }), all: createPace({ clock, burst: 3, refillMs: 1_000 }) },
    signatureOf: async () => 'good',
    podByUid: () => undefined,
    reviewing: boundInFlight(1),
    events: { tokenReviewed: (review) => review() },
    clock,
    ...other,
  }
  const ask = async (claims: unknown = CLAIMS, instanceId: string | undefined = UID) => {
    const text = jwsOf(claims)
    const jws = parseCompactJws(text)
    if (jws === undefined) throw new Error('not a jws')
    try {
      return await verifyToken({ text, jws, instanceId }, someNameRules(), deps)
    } catch (error) {
      if (error instanceof IdentityError) return error.code
      throw error
    }
  }
  return { ask, shown, clock }
}

describe('a header is that of a token', () => {
  test.each([[HEADER], [{ alg: 'ES256', kid: 'a', typ: 'JWT' }], [{ alg: 'RS512', kid: '0' }]])('%j', (header) => {
    expect(isToken(header)).toBe(true)
  })

  test.each<[string, unknown]>([
    ['a document', goodHeader],
    ['the kid of a document alone', { alg: 'ES256', kid: 'athenz-init-secret.v1' }],
    ['no kid', { alg: 'RS256' }],
    ['an empty kid', { alg: 'RS256', kid: '' }],
    ['no algorithm', { kid: 'a' }],
    ['none', { alg: 'none', kid: 'a' }],
    ['a shared secret', { alg: 'HS256', kid: 'a' }],
    ['a key that it brings', { alg: 'RS256', kid: 'a', jku: 'https://evil.test' }],
    ['crit', { alg: 'RS256', kid: 'a', crit: 'b64' }],
    ['another type', { alg: 'RS256', kid: 'a', typ: 'at+jwt' }],
  ])('not with %s (T21)', (_name, header) => {
    expect(isToken(header)).toBe(false)
  })
})

describe('a token', () => {
  test('is believed what the API server says of it, not what it says itself', async () => {
    const lying = { ...CLAIMS, 'kubernetes.io': { ...CLAIMS['kubernetes.io'], node: { name: 'node-2' }, namespace: 'shop' } }
    expect(await open().ask(lying)).toEqual({
      namespace: 'k8s-admin',
      serviceAccount: 'athenz-identity-agent',
      name: 'agent-a',
      uid: UID,
      node: 'node-1',
    })
  })

  const bound = CLAIMS['kubernetes.io']
  test.each<[string, string, unknown]>([
    ['claims that are none', 'TOKEN_MALFORMED', 'hello'],
    ['a list', 'TOKEN_MALFORMED', []],
    ['no end', 'TOKEN_MALFORMED', { ...CLAIMS, exp: undefined }],
    ['an end in words', 'TOKEN_MALFORMED', { ...CLAIMS, exp: 'never' }],
    ['no subject', 'TOKEN_MALFORMED', { ...CLAIMS, sub: undefined }],
    ['no audience', 'TOKEN_AUDIENCE', { ...CLAIMS, aud: undefined }],
    ['another audience', 'TOKEN_AUDIENCE', { ...CLAIMS, aud: ['https://kubernetes.default.svc'] }],
    ['an audience within an audience', 'TOKEN_AUDIENCE', { ...CLAIMS, aud: [[PROVIDER]] }],
    ['an account with a longer name', 'TOKEN_ACCOUNT', { ...CLAIMS, sub: `${ACCOUNT}-2` }],
    ['a user', 'TOKEN_ACCOUNT', { ...CLAIMS, sub: 'athenz-identity-agent' }],
    ['no pod, as that of a secret', 'TOKEN_UNBOUND', { ...CLAIMS, 'kubernetes.io': { ...bound, pod: undefined } }],
    ['no node', 'TOKEN_UNBOUND', { ...CLAIMS, 'kubernetes.io': { ...bound, node: undefined } }],
    ['none of the claims of kubernetes', 'TOKEN_UNBOUND', { ...CLAIMS, 'kubernetes.io': undefined }],
    ['an end of long ago', 'TOKEN_EXPIRED', { ...CLAIMS, exp: NOW / 1_000 - 31 }],
    ['the pod of another instance', 'INSTANCE_ID_MISMATCH', { ...CLAIMS, 'kubernetes.io': { ...bound, pod: { name: 'a', uid: uidOf(1) } } }],
    ['a pod uid that is none', 'TOKEN_UNBOUND', { ...CLAIMS, 'kubernetes.io': { ...bound, pod: { name: 'a', uid: 'x'.repeat(63) } } }],
  ])('with %s is refused, and the API server is not asked', async (_name, code, claims) => {
    const { ask, shown } = open()
    expect(await ask(claims)).toBe(code)
    expect(shown).toEqual([])
  })

  test.each<[string, string, TokenVerdict]>([
    ['does not take', 'TOKEN_NOT_AUTHENTIC', { authenticated: false }],
    ['says to be of another account', 'TOKEN_ACCOUNT', { ...GOOD, username: 'system:serviceaccount:shop:athenz-identity-agent' }],
    ['says to be of no pod', 'TOKEN_UNBOUND', { ...GOOD, pod: undefined }],
    ['says to be of no node, as one before 1.30', 'TOKEN_UNBOUND', { ...GOOD, node: undefined }],
  ])('that the API server %s is refused', async (_name, code, verdict) => {
    expect(await open(verdict).ask()).toBe(code)
  })

  test('that has just expired is refused as expired by the API server', async () => {
    expect(await open({ authenticated: false }).ask({ ...CLAIMS, exp: NOW / 1_000 - 1 })).toBe('TOKEN_EXPIRED')
  })

  test('is refused where no account may ask with one', async () => {
    expect(await open(GOOD, { accounts: [] }).ask()).toBe('TOKEN_ACCOUNT')
  })
})

describe('the signature comes first', () => {
  test('600 forged ones of one agent, and 600 of as many others, cost nothing of what the real one needs', async () => {
    const verdicts: Signature[] = []
    const { ask, shown } = open(GOOD, { signatureOf: async () => verdicts.shift() ?? 'good' })
    for (let n = 0; n < 1_200; n++) {
      verdicts.push('forged')
      expect(await (n % 2 === 0 ? ask() : ask(other(n), uidOf(n)))).toBe('TOKEN_NOT_AUTHENTIC')
    }
    expect(shown).toEqual([])
    expect(await ask()).toMatchObject({ node: 'node-1' })
  })

  const pod = aPod({ uid: UID, namespace: 'k8s-admin', serviceAccount: 'athenz-identity-agent', node: 'node-1' })
  test.each<[string, unknown, Pod | undefined]>([
    ['is shown', expect.objectContaining({ node: 'node-1' }), pod],
    ['is not shown', 'API_UNAVAILABLE', undefined],
    ['is shown on another node', 'API_UNAVAILABLE', { ...pod, node: 'node-2' }],
    ['is shown with another account', 'API_UNAVAILABLE', { ...pod, serviceAccount: 'web' }],
    ['is shown elsewhere', 'API_UNAVAILABLE', { ...pod, namespace: 'shop' }],
    ['has ended', 'API_UNAVAILABLE', { ...pod, phase: 'Failed' }],
  ])('and where it cannot be verified, it matters whether the pod %s', async (_name, expected, shownPod) => {
    const { ask, shown } = open(GOOD, { signatureOf: async () => 'unknown', podByUid: (uid) => (uid === UID ? shownPod : undefined) })
    expect(await ask()).toEqual(expected)
    expect(shown).toHaveLength(expected === 'API_UNAVAILABLE' ? 0 : 1)
  })

  test('who is out of his share takes nothing of the others, and who finds none is not remembered', async () => {
    const clock = new FakeClock('2030-01-01T00:00:00Z')
    const paces = { pod: createPace({ clock, burst: 2, refillMs: 10_000 }), all: createPace({ clock, burst: 3, refillMs: 1_000 }) }
    const { ask } = open(GOOD, { paces })
    for (let n = 0; n < 10; n++) await ask()
    expect(await ask(other(1), uidOf(1))).toMatchObject({ node: 'node-1' })
    for (let n = 2; n < 100; n++) expect(await ask(other(n), uidOf(n))).toBe('BUSY')
    expect(paces.pod.size).toBe(2)
  })
})

describe('"not authenticated", with a reason that is none of the token,', () => {
  const unclear = { authenticated: false, unclear: 'etcdserver: request timed out' } as const
  test('is no verdict on one that is signed and not over', async () => {
    expect(await open(unclear).ask()).toBe('API_UNAVAILABLE')
  })

  test('is one on what is over, and where nobody knows who signed', async () => {
    expect(await open(unclear).ask({ ...CLAIMS, exp: NOW / 1_000 - 1 })).toBe('TOKEN_EXPIRED')
    const pod = aPod({ uid: UID, namespace: 'k8s-admin', serviceAccount: 'athenz-identity-agent', node: 'node-1' })
    expect(await open(unclear, { signatureOf: async () => 'unknown', podByUid: () => pod }).ask()).toBe('TOKEN_NOT_AUTHENTIC')
  })
})

describe('the API server is not flooded', () => {
  test('by the tokens of one pod, which leave the others their share', async () => {
    const { ask, shown, clock } = open()
    for (let n = 0; n < 10; n++) await ask()
    expect(await ask()).toBe('BUSY')
    expect(shown).toHaveLength(2)
    expect(await ask(other(1), uidOf(1))).toMatchObject({ node: 'node-1' })
    await clock.advance(10_000)
    expect(await ask()).toMatchObject({ node: 'node-1' })
  })

  test('by those of many', async () => {
    const { ask, shown } = open({ authenticated: false })
    const answers: unknown[] = []
    for (let n = 0; n < 20; n++) answers.push(await ask(other(n), uidOf(n)))
    expect(shown).toHaveLength(3)
    expect(new Set(answers)).toEqual(new Set(['TOKEN_NOT_AUTHENTIC', 'BUSY']))
  })

  test('by more at a time than it may be asked', async () => {
    const gate = Promise.withResolvers<TokenVerdict>()
    const { ask, shown } = open(() => gate.promise)
    const first = ask()
    expect(await ask(other(1), uidOf(1))).toBe('BUSY')
    gate.resolve(GOOD)
    expect(await first).toMatchObject({ node: 'node-1' })
    expect(shown).toHaveLength(1)
  })
})
