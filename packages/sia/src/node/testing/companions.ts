/** What the renewals give to their companions, in memory; and the settings of a program as somebody typed them. */
import { systemClock } from '@pallas/runtime'
import type { Clock } from '@pallas/host'
import { IdentityError } from '@pallas/identity'
import { readSettings } from '@pallas/config/testing'
import type { AccessTokenWish, CompanionDeps, Member, RoleTokenWish, Tokens } from '../../companions.ts'
import { createLog } from '../../log.ts'
import { program, type SiaSettings } from '../../settings/settings.ts'

export const ACCESS_TOKEN = 'eyJhbGciOiJFUzI1NiJ9.eyJzY3AiOlsicmVhZGVyIl19.c2lnbmF0dXJlLW9mLXRlc3Q'
export const ROLE_TOKEN = 'v=Z1;d=media;r=reader;p=pets.web;h=zts;a=01;t=1;e=2;k=0;i=127.0.0.1;s=c2VjcmV0'

const LATER = 2_000_000_000_000

export const settingsOf = (...argv: readonly string[]): SiaSettings =>
  readSettings(program, { argv: ['--mode=refresh', '--zts-endpoint=https://zts.test/zts/v1', '--server-ca-cert=/ca.pem', ...argv] })

/** Gives the same tokens to everybody, for an hour, until it is told otherwise. */
export class TestTokens implements Tokens {
  readonly asked: (AccessTokenWish | RoleTokenWish)[] = []
  readonly #clock: Pick<Clock, 'now'>
  /** Called before each answer. */
  before: (signal: AbortSignal) => Promise<void> = async () => {}
  isCached = true

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock
  }

  willRefuse(error: unknown): void {
    this.before = () => Promise.reject(error)
  }

  async accessToken(wish: AccessTokenWish, signal: AbortSignal) {
    this.asked.push(wish)
    await this.before(signal)
    const scope = wish.roles.length > 1 ? { scope: 'media:role.reader' } : {}
    return { accessToken: ACCESS_TOKEN, expiresAt: this.#clock.now() + 3_600_000, ...scope }
  }

  async roleToken(wish: RoleTokenWish, signal: AbortSignal) {
    this.asked.push(wish)
    await this.before(signal)
    return { token: ROLE_TOKEN, expiresAt: LATER }
  }

  cached({ domain }: { readonly domain: string }) {
    if (!this.isCached || domain !== 'media') return {}
    const expiresAt = LATER
    return { access: { accessToken: ACCESS_TOKEN, expiresAt }, role: { token: ROLE_TOKEN, expiresAt } }
  }

  held() {
    return { 'access-token': { entries: 2, bytes: 150 }, 'role-token': { entries: 1, bytes: 80 } }
  }
}

export interface TestDeps extends CompanionDeps {
  readonly tokens: TestTokens
  members: () => readonly Member[]
  /** Parsed lines of the program's own log. */
  readonly lines: Record<string, unknown>[]
}

export function testDeps(clock: Clock = systemClock): TestDeps {
  const lines: Record<string, unknown>[] = []
  const log = createLog('test', 'debug', clock, { out: (text) => void lines.push(JSON.parse(text)) })
  return { clock, log, lines, tokens: new TestTokens(clock), members: () => [] }
}

/** As the cache of tokens says it when ZTS refuses. */
export const refusedByZts = (status: number) => new IdentityError('ISSUER_DENIED', 'zts refused the token', { status })
