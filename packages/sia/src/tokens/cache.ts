/** Tokens of ZTS in memory: see `Tokens` for what is promised to those who ask. */
import { renewAt } from '@pallas/credentials'
import type { Clock } from '@pallas/host'
import { IdentityError } from '@pallas/identity'
import type { AccessToken, AccessTokenWish, RoleToken, RoleTokenWish, Tokens } from '../companions.ts'
import { forEachOf } from '../identity/roles.ts'
import { unavailable } from '../zts/call.ts'
import type { Client, MemberCalls } from '../zts/member-calls.ts'
import { accessTokenOf, dropOldest, type Entry, type HeldToken, isFor, keyOf, roleTokenOf, sizeOf, type Wish } from './entry.ts'
import { createRefusals, type Refusals } from './refusals.ts'

export interface TokenCacheDeps {
  readonly zts: MemberCalls
  readonly clock: Clock
  /** With what ZTS is asked; undefined while there is no identity. */
  readonly client: () => Client | undefined
  /** The longest time between two renewals; what nobody asked for in twice that time is forgotten. */
  readonly refreshIntervalMs: number
  /** Told what could not be renewed though somebody may ask for it. */
  readonly onFailure: (error: unknown) => void
  readonly maxEntries?: number
}

const MAX_ENTRIES = 1_000
/** Calls of ZTS for those who ask; each may go on after they are gone. */
const MOST_FLIGHTS = 64
const LEAST_LEFT_MS = 60_000
const NAP_MS = { least: 1_000, most: 60_000 }
const AFTER_FAILURE_MS = { least: 2_000, most: 5 * 60_000 }

export class TokenCache implements Tokens {
  readonly #deps: TokenCacheDeps
  readonly #life: AbortSignal
  readonly #entries = new Map<string, Entry>()
  readonly #refusals: Refusals
  #flights = 0

  /** `life` ends every call under way: those who ask may go before the call that they share. */
  constructor(deps: TokenCacheDeps, life: AbortSignal) {
    this.#deps = deps
    this.#life = life
    this.#refusals = createRefusals(deps.clock)
  }

  accessToken = async (wish: AccessTokenWish, signal: AbortSignal): Promise<AccessToken> =>
    accessTokenOf(await this.#ask({ kind: 'access-token', wish }, signal))

  roleToken = async (wish: RoleTokenWish, signal: AbortSignal): Promise<RoleToken> =>
    roleTokenOf(await this.#ask({ kind: 'role-token', wish }, signal))

  cached: Tokens['cached'] = ({ domain, roles }) => {
    const [access, role] = (['access-token', 'role-token'] as const).map((kind) => this.#longest(kind, domain, roles))
    return {
      ...(access === undefined ? {} : { access: accessTokenOf(access) }),
      ...(role === undefined ? {} : { role: roleTokenOf(role) }),
    }
  }

  held: Tokens['held'] = () => ({
    'access-token': sizeOf(this.#entries, 'access-token'),
    'role-token': sizeOf(this.#entries, 'role-token'),
  })

  /** A new one from ZTS, shared with whoever asks meanwhile, and never forgotten. */
  renewed(of: Wish, signal: AbortSignal): Promise<HeldToken> {
    const entry = this.#entryFor(of)
    entry.isPinned = true
    return unlessAborted(this.#renew(entry), signal)
  }

  /** Takes one that is known from elsewhere; it is never forgotten either. */
  adopt(of: Wish, token: HeldToken): void {
    const entry = this.#entryFor(of)
    entry.isPinned = true
    this.#put(entry, token)
  }

  /** Renews what somebody asked for lately, forgets the rest. Ends only by rejecting, with the signal's reason. */
  async keep(signal: AbortSignal): Promise<never> {
    const { clock, onFailure } = this.#deps
    for (;;) {
      this.#forgetIdle()
      const own = [...this.#entries.values()].filter((it) => !it.isPinned)
      await forEachOf(own.filter((it) => this.#isDue(it)), async (entry) => {
        try {
          await unlessAborted(this.#renew(entry), signal)
        } catch (error) {
          if (!signal.aborted) onFailure(error)
        }
      })
      const next = Math.min(...own.map(({ dueAt }) => dueAt))
      await clock.sleep(Math.min(Math.max(next - clock.monotonic(), NAP_MS.least), NAP_MS.most), signal)
    }
  }

  async #ask(of: Wish, signal: AbortSignal): Promise<HeldToken> {
    const key = keyOf(of)
    const entry = this.#entries.get(key)
    if (entry !== undefined) entry.askedAt = this.#deps.clock.monotonic()
    if (entry?.token !== undefined && this.#leftOf(entry) > LEAST_LEFT_MS) return entry.token
    try {
      this.#refusals.heed(key)
      if (entry?.flight === undefined && this.#flights >= MOST_FLIGHTS) throw busy()
      return await unlessAborted(this.#renew(this.#entryFor(of)), signal)
    } catch (error) {
      const mayPass = error instanceof IdentityError && error.kind === 'unavailable'
      if (mayPass && entry?.token !== undefined && this.#leftOf(entry) > 0) return entry.token
      throw error
    }
  }

  #entryFor(of: Wish): Entry {
    const { clock, maxEntries = MAX_ENTRIES } = this.#deps
    const key = keyOf(of)
    const entry = this.#entries.get(key) ?? { key, of, isPinned: false, askedAt: 0, dueAt: 0, failures: 0 }
    entry.askedAt = clock.monotonic()
    this.#entries.set(key, entry)
    if (this.#entries.size > maxEntries) dropOldest(this.#entries, entry)
    return entry
  }

  #renew(entry: Entry): Promise<HeldToken> {
    if (entry.flight !== undefined) return entry.flight
    const flight = this.#fly(entry)
    // Whoever waited may have gone before it fails.
    flight.catch(() => undefined)
    entry.flight = flight
    return flight
  }

  async #fly(entry: Entry): Promise<HeldToken> {
    const { clock } = this.#deps
    this.#flights++
    try {
      const token = await this.#call(entry.of)
      if (token.expiresAt <= clock.now()) throw unavailable('zts answered with a token that has expired', {})
      this.#put(entry, token)
      this.#refusals.forget(entry.key)
      return token
    } catch (error) {
      entry.failures++
      this.#refusals.note(entry.key, error)
      const asked = error instanceof IdentityError ? (error.retryAfterMs ?? 0) : 0
      entry.dueAt = clock.monotonic() + Math.max(asked, pauseAfter(entry.failures, clock.random()))
      if (entry.token === undefined && !entry.isPinned) this.#entries.delete(entry.key)
      throw error
    } finally {
      entry.flight = undefined
      this.#flights--
    }
  }

  async #call(of: Wish): Promise<HeldToken> {
    const { zts, client } = this.#deps
    const by = client()
    if (by === undefined) throw unavailable('there is no identity yet to ask zts with', {})
    if (of.kind === 'role-token') {
      const { token, expiresAt } = await zts.roleToken(of.wish, by, this.#life)
      return { text: token, expiresAt }
    }
    const { accessToken, ...rest } = await zts.accessToken(of.wish, by, this.#life)
    return { text: accessToken, ...rest }
  }

  #put(entry: Entry, token: HeldToken): void {
    const { clock, refreshIntervalMs } = this.#deps
    const now = clock.now()
    const issue = { first: entry.token === undefined, maxIntervalMs: refreshIntervalMs }
    const at = renewAt({ notBefore: now, notAfter: token.expiresAt }, issue, clock.random())
    entry.token = token
    entry.failures = 0
    entry.dueAt = clock.monotonic() + Math.max(0, at - now)
  }

  /** A wall clock that jumped may have ended a token before its time. */
  #isDue(entry: Entry): boolean {
    return entry.dueAt <= this.#deps.clock.monotonic() || (entry.failures === 0 && this.#leftOf(entry) <= 0)
  }

  #leftOf({ token }: Entry): number {
    return token === undefined ? 0 : token.expiresAt - this.#deps.clock.now()
  }

  #longest(kind: Wish['kind'], domain: string, roles: readonly string[]): HeldToken | undefined {
    const fitting = [...this.#entries.values()].filter((it) => it.of.kind === kind && isFor(it.of, domain, roles))
    const entry = fitting.sort((a, b) => this.#leftOf(b) - this.#leftOf(a))[0]
    if (entry === undefined || this.#leftOf(entry) <= 0) return undefined
    entry.askedAt = this.#deps.clock.monotonic()
    return entry.token
  }

  #forgetIdle(): void {
    const { clock, refreshIntervalMs } = this.#deps
    const least = clock.monotonic() - 2 * refreshIntervalMs
    for (const entry of this.#entries.values()) {
      if (!entry.isPinned && entry.askedAt < least) this.#entries.delete(entry.key)
    }
  }
}

const busy = () => new IdentityError('BUSY', 'too many calls of zts at a time', {}, { retryAfterMs: 1_000 })

const pauseAfter = (failures: number, random: number): number =>
  AFTER_FAILURE_MS.least + random * Math.min(AFTER_FAILURE_MS.least * 2 ** failures, AFTER_FAILURE_MS.most)

/** What was begun goes on; only this wait for it ends. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted()
  const { promise, reject } = Promise.withResolvers<never>()
  const onAbort = () => reject(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([work, promise])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
