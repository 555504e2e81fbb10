/** What a service asks of ZTS with its own certificate (`spec/zts.md` 3.6, 7, 8, 10; `spec/zts-recorded.md` 6). */
import type { AccessToken, AccessTokenWish, RoleToken, RoleTokenWish } from '../companions.ts'
import { isTokenText } from '../tokens/life.ts'
import { isText, textIn, unavailable, type ZtsCall } from './call.ts'

export interface Client {
  readonly keyPem: string
  readonly certPem: string
}

export interface MemberCallsOptions {
  readonly call: ZtsCall
  /** Authorities that ZTS is trusted by, as they are now. */
  readonly caPem: () => Promise<string>
  /** Epoch milliseconds. */
  readonly now: () => number
}

/** Each throws as a `ZtsCall` does. */
export interface MemberCalls {
  /** PEM of the leaf. */
  roleCertificate(csr: string, expiryMinutes: number, client: Client, signal: AbortSignal): Promise<string>
  /** PEM of a bundle that ZTS has under this name. */
  authorities(name: string, client: Client, signal: AbortSignal): Promise<string>
  accessToken(wish: AccessTokenWish, client: Client, signal: AbortSignal): Promise<AccessToken>
  roleToken(wish: RoleTokenWish, client: Client, signal: AbortSignal): Promise<RoleToken>
}

const JSON_BODY = { 'content-type': 'application/json' }
const FORM_BODY = { 'content-type': 'application/x-www-form-urlencoded' }

export function createMemberCalls({ call, caPem, now }: MemberCallsOptions): MemberCalls {
  return {
    roleCertificate: async (csr, expiryMinutes, client, signal) => {
      const body = JSON.stringify({ csr, expiryTime: expiryMinutes })
      const request = { method: 'POST', path: '/rolecert', headers: JSON_BODY, body, caPem: await caPem(), client } as const
      return textIn(await call(request, signal), 'x509Certificate')
    },
    authorities: async (name, client, signal) => {
      const path = `/cacerts/${encodeURIComponent(name)}`
      return textIn(await call({ method: 'GET', path, caPem: await caPem(), client }, signal), 'certs')
    },
    accessToken: async ({ domain, roles, proxyForPrincipal, expirySeconds }, client, signal) => {
      const scope = roles.length === 0 ? `${domain}:domain` : roles.map((role) => `${domain}:role.${role}`).join(' ')
      const body = formOf({
        grant_type: 'client_credentials',
        scope,
        expires_in: expirySeconds,
        proxy_for_principal: proxyForPrincipal,
      })
      const asked = now()
      const request = { method: 'POST', path: '/oauth2/token', headers: FORM_BODY, body, caPem: await caPem(), client } as const
      const answer = await call(request, signal)
      const granted = answer['scope']
      return {
        accessToken: oneLine(textIn(answer, 'access_token')),
        expiresAt: asked + secondsIn(answer['expires_in']) * 1_000,
        ...(isText(granted) ? { scope: granted } : {}),
      }
    },
    roleToken: async ({ domain, roles, proxyForPrincipal, minExpirySeconds }, client, signal) => {
      const query = formOf({
        role: roles.length === 0 ? undefined : roles.join(','),
        minExpiryTime: minExpirySeconds,
        proxyForPrincipal,
      })
      const path = `/domain/${encodeURIComponent(domain)}/token${query === '' ? '' : `?${query}`}`
      const answer = await call({ method: 'GET', path, caPem: await caPem(), client }, signal)
      return { token: oneLine(textIn(answer, 'token')), expiresAt: secondsIn(answer['expiryTime']) * 1_000 }
    },
  }
}

const formOf = (fields: Readonly<Record<string, string | number | undefined>>): string =>
  Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`)
    .join('&')

function secondsIn(value: unknown): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value > 0) return value
  throw unavailable('zts answered without a time', {})
}

function oneLine(token: string): string {
  if (isTokenText(token)) return token
  throw unavailable('zts answered with a token that is none', {})
}
