import { FakeClock } from '@pallas/host/testing'
import { IdentityError } from '@pallas/identity'
import { expect, test } from 'vitest'
import type { AccessToken, AccessTokenWish, RoleToken, RoleTokenWish } from '../companions.ts'
import { TokenCache } from './cache.ts'

const MINUTE = 60_000
const READER = { domain: 'media', roles: ['reader'] }
const never = new AbortController().signal

function open({ lifeMs = 120 * MINUTE, maxEntries = 1_000 } = {}) {
  const clock = new FakeClock()
  const asked: string[] = []
  let problem: IdentityError | undefined
  let gate: Promise<void> = Promise.resolve()
  const made = async (kind: string, wish: AccessTokenWish | RoleTokenWish) => {
    asked.push(`${kind} ${wish.domain} ${wish.roles.join('+')}`)
    await gate
    if (problem !== undefined) throw problem
    return { text: `${kind} ${asked.length}`, expiresAt: clock.now() + lifeMs }
  }
  const zts = {
    roleCertificate: () => Promise.reject(new Error('not here')),
    authorities: () => Promise.reject(new Error('not here')),
    accessToken: async (wish: AccessTokenWish): Promise<AccessToken> => {
      const { text, expiresAt } = await made('access', wish)
      return { accessToken: text, expiresAt }
    },
    roleToken: async (wish: RoleTokenWish): Promise<RoleToken> => {
      const { text, expiresAt } = await made('role', wish)
      return { token: text, expiresAt }
    },
  }
  let client: { keyPem: string; certPem: string } | undefined = { keyPem: 'k', certPem: 'c' }
  const failures: unknown[] = []
  const end = new AbortController()
  const onFailure = (error: unknown) => void failures.push(error)
  const cache = new TokenCache(
    { zts, clock, client: () => client, refreshIntervalMs: 30 * MINUTE, onFailure, maxEntries },
    end.signal,
  )
  return {
    clock,
    asked,
    failures,
    cache,
    end,
    fail: (error: IdentityError | undefined) => void (problem = error),
    hold: (until: Promise<void>) => void (gate = until),
    noClient: () => void (client = undefined),
  }
}

const denied = new IdentityError('ISSUER_DENIED', 'no', { status: 403 })
const silent = new IdentityError('ISSUER_UNAVAILABLE', 'silent')

test('those who wish the same at the same time share one call, and later ones its answer', async () => {
  const { cache, asked } = open()
  const both = await Promise.all([cache.accessToken(READER, never), cache.accessToken(READER, never)])
  both.push(await cache.accessToken(READER, never))
  expect(new Set(both.map(({ accessToken }) => accessToken))).toEqual(new Set(['access 1']))
  expect(asked).toHaveLength(1)
})

test.each([
  { ...READER, roles: ['writer'] },
  { ...READER, domain: 'other' },
  { ...READER, roles: [] },
  { ...READER, proxyForPrincipal: 'media.proxy' },
  { ...READER, expirySeconds: 60 },
])('%j is another wish', async (wish) => {
  const { cache, asked } = open()
  await cache.accessToken(READER, never)
  await cache.accessToken(wish, never)
  expect(asked).toHaveLength(2)
})

test('whoever goes away leaves the others their answer', async () => {
  const { cache, hold } = open()
  const { promise, resolve } = Promise.withResolvers<void>()
  hold(promise)
  const gone = new AbortController()
  const first = cache.roleToken(READER, gone.signal)
  const second = cache.roleToken(READER, never)
  gone.abort(new Error('gone'))
  await expect(first).rejects.toThrow('gone')
  resolve()
  expect(await second).toMatchObject({ token: 'role 1' })
})

test('a call that fails after everybody went away disturbs nobody', async () => {
  const { cache, hold, fail } = open()
  const { promise, resolve } = Promise.withResolvers<void>()
  hold(promise)
  fail(silent)
  const gone = AbortSignal.abort(new Error('gone'))
  await expect(cache.accessToken(READER, gone)).rejects.toThrow('gone')
  resolve()
  await new Promise((later) => setImmediate(later))
  expect(cache.held()['access-token'].entries).toBe(0)
})

test('a token serves while more than a minute of it is left, then a new one is asked for', async () => {
  const { cache, clock, asked } = open({ lifeMs: 10 * MINUTE })
  await cache.accessToken(READER, never)
  clock.jump(9 * MINUTE - 1)
  await cache.accessToken(READER, never)
  expect(asked).toHaveLength(1)
  clock.jump(1)
  expect(await cache.accessToken(READER, never)).toMatchObject({ accessToken: 'access 2' })
})

test('in an outage the last minute of a token serves too; a denial is told (T28)', async () => {
  const { cache, clock, fail } = open({ lifeMs: 10 * MINUTE })
  await cache.accessToken(READER, never)
  clock.jump(9.5 * MINUTE)
  fail(silent)
  expect(await cache.accessToken(READER, never)).toMatchObject({ accessToken: 'access 1' })
  fail(denied)
  await expect(cache.accessToken(READER, never)).rejects.toMatchObject({ code: 'ISSUER_DENIED', fields: { status: 403 } })
  await clock.advance(MINUTE)
  fail(silent)
  await expect(cache.accessToken(READER, never)).rejects.toMatchObject({ code: 'ISSUER_UNAVAILABLE' })
})

test('without an identity nothing is asked: that is unavailable', async () => {
  const { cache, asked, noClient } = open()
  noClient()
  await expect(cache.accessToken(READER, never)).rejects.toMatchObject({ code: 'ISSUER_UNAVAILABLE' })
  expect(asked).toEqual([])
})

test('what was denied takes no room', async () => {
  const { cache, fail } = open()
  fail(denied)
  for (const domain of ['a', 'b', 'c']) await cache.accessToken({ domain, roles: [] }, never).catch(() => undefined)
  fail(undefined)
  expect(cache.held()['access-token']).toEqual({ entries: 0, bytes: 0 })
})

test('whoever asks in a loop for a role it lacks reaches ZTS once in fifteen seconds, and others all the same', async () => {
  const { cache, clock, asked, fail } = open()
  const ask = () => cache.roleToken(READER, never).catch(({ code }: IdentityError) => code)
  fail(denied)
  for (let n = 0; n < 30; n++) {
    expect(await ask()).toBe('ISSUER_DENIED')
    await clock.advance(500)
  }
  expect(asked).toHaveLength(1)
  fail(undefined)
  await cache.roleToken({ domain: 'other', roles: [] }, never)
  expect(await ask()).toMatchObject({ token: 'role 3' })
})

test('a ZTS that says when to come back is left alone until then, and callers hear how long that is (T33)', async () => {
  const { cache, clock, asked, fail } = open({ lifeMs: 10 * MINUTE })
  fail(new IdentityError('ISSUER_UNAVAILABLE', 'busy', {}, { retryAfterMs: 40_000 }))
  await expect(cache.roleToken(READER, never)).rejects.toMatchObject({ retryAfterMs: 40_000 })
  await clock.advance(39_000)
  await expect(cache.roleToken(READER, never)).rejects.toMatchObject({ code: 'ISSUER_UNAVAILABLE', retryAfterMs: 1_000 })
  expect(asked).toHaveLength(1)
  fail(undefined)
  await clock.advance(1_000)
  expect(await cache.roleToken(READER, never)).toMatchObject({ token: 'role 2' })
})

test('a renewal by itself keeps to the time that ZTS asked for, and the old token serves meanwhile', async () => {
  const { cache, clock, asked, fail, end } = open()
  await cache.accessToken(READER, never)
  const kept = cache.keep(end.signal).catch(() => undefined)
  fail(new IdentityError('ISSUER_UNAVAILABLE', 'busy', {}, { retryAfterMs: 20 * MINUTE }))
  await clock.advance(30 * MINUTE)
  expect(asked).toHaveLength(2)
  expect(await cache.accessToken(READER, never)).toMatchObject({ accessToken: 'access 1' })
  end.abort()
  await kept
})

test('refusals that are remembered are bounded: the oldest is forgotten', async () => {
  const { cache, asked, fail } = open()
  fail(denied)
  const ask = (n: number) => cache.roleToken({ domain: `d${n}`, roles: [] }, never).catch(() => undefined)
  for (let n = 0; n < 201; n++) await ask(n)
  await ask(200)
  expect(asked).toHaveLength(201)
  await ask(0)
  expect(asked).toHaveLength(202)
})

test('what is asked for is kept fresh by itself, what nobody asks for is forgotten', async () => {
  const { cache, clock, asked, end } = open()
  await cache.accessToken(READER, never)
  const kept = cache.keep(end.signal).catch((error: unknown) => error)
  await clock.advance(31 * MINUTE)
  expect(asked).toHaveLength(2)
  expect(cache.cached(READER).access).toMatchObject({ accessToken: 'access 2' })
  await clock.advance(40 * MINUTE)
  expect(cache.held()['access-token'].entries).toBe(1)
  await clock.advance(90 * MINUTE)
  expect(cache.held()['access-token']).toEqual({ entries: 0, bytes: 0 })
  const calls = asked.length
  await clock.advance(5 * 60 * MINUTE)
  expect(asked).toHaveLength(calls)
  end.abort(new Error('end'))
  expect(await kept).toMatchObject({ message: 'end' })
})

test('what cannot be renewed is tried again ever more slowly, and stays (T28)', async () => {
  const { cache, clock, asked, failures, fail, end } = open()
  await cache.roleToken(READER, never)
  const kept = cache.keep(end.signal).catch(() => undefined)
  fail(silent)
  await clock.advance(55 * MINUTE)
  expect(failures.length).toBeGreaterThan(5)
  expect(asked.length).toBeLessThan(40)
  expect(cache.cached(READER).role).toMatchObject({ token: 'role 1' })
  end.abort()
  await kept
})

test('a wall clock that leaps over the end of a token brings a new one', async () => {
  const { cache, clock, asked, end } = open()
  await cache.accessToken(READER, never)
  const kept = cache.keep(end.signal).catch(() => undefined)
  clock.jump(14 * 60 * MINUTE)
  await clock.advance(2 * MINUTE)
  expect(asked).toHaveLength(2)
  end.abort()
  await kept
})

test('the number of wishes is bounded: the one asked for longest ago goes, what the settings want stays', async () => {
  const { cache, clock } = open({ maxEntries: 3 })
  await cache.renewed({ kind: 'access-token', wish: READER }, never)
  for (let n = 0; n < 50; n++) {
    await clock.advance(1)
    await cache.accessToken({ domain: `d${n}`, roles: [] }, never)
  }
  expect(cache.held()['access-token'].entries).toBe(3)
  expect(cache.cached(READER).access).toMatchObject({ accessToken: 'access 1' })
  expect(cache.cached({ domain: 'd49', roles: [] }).access).toBeDefined()
  expect(cache.cached({ domain: 'd10', roles: [] })).toEqual({})
})

test('what is cached is found without asking anybody, whatever life was wished, but never for a proxy', async () => {
  const { cache, asked } = open()
  await cache.accessToken({ ...READER, expirySeconds: 600 }, never)
  await cache.roleToken({ ...READER, proxyForPrincipal: 'media.proxy' }, never)
  expect(cache.cached(READER)).toEqual({ access: expect.objectContaining({ accessToken: 'access 1' }) })
  expect(asked).toHaveLength(2)
})

test('those who ask and go leave no more than 64 calls of ZTS behind; what is under way is still shared', async () => {
  const { cache, asked, hold } = open()
  const { promise, resolve } = Promise.withResolvers<void>()
  hold(promise)
  const wish = (n: number) => cache.accessToken({ ...READER, expirySeconds: n }, never)
  const gone = AbortSignal.abort(new Error('gone'))
  for (let n = 1; n <= 64; n++) await expect(cache.accessToken({ ...READER, expirySeconds: n }, gone)).rejects.toThrow('gone')
  await expect(wish(65)).rejects.toMatchObject({ code: 'BUSY', kind: 'unavailable' })
  const shared = wish(64)
  expect(asked).toHaveLength(64)
  resolve()
  await shared
  await wish(65)
  expect(asked).toHaveLength(65)
})
