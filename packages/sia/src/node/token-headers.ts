/** Header mode of the token endpoint: domain and role come in headers, and what is held goes back in headers too. */
import { IdentityError } from '@pallas/identity'
import type { AccessToken, RoleToken, Tokens } from '../companions.ts'
import { parseWish } from './token-request.ts'

export interface HeaderModeOptions {
  readonly tokens: Pick<Tokens, 'cached'>
  readonly serves: ReadonlySet<'access-token' | 'role-token'>
  readonly roleAuthHeader: string
}

export interface HeaderAnswer {
  readonly headers: Readonly<Record<string, string>>
  readonly body: { readonly accesstoken?: string; readonly roletoken?: string }
}

type Headers = Readonly<Record<string, string | readonly string[] | undefined>>

/** Asks nobody. Throws `TOKEN_NOT_CACHED` when one of the tokens is not held, `BODY_INVALID` for missing headers. */
export function answerHeaders(headers: Headers, { tokens, serves, roleAuthHeader }: HeaderModeOptions): HeaderAnswer {
  const domain = headers['x-athenz-domain'] ?? ''
  const role = headers['x-athenz-role'] ?? ''
  if (typeof domain !== 'string' || typeof role !== 'string' || domain === '' || role === '') {
    throw new IdentityError('BODY_INVALID', 'the headers x-athenz-domain and x-athenz-role are needed')
  }
  const { access, role: roleToken } = tokens.cached(parseWish(domain, role))
  return {
    headers: {
      ...(serves.has('access-token') ? { authorization: `bearer ${held(access).accessToken}` } : {}),
      ...(serves.has('role-token') ? { [roleAuthHeader.toLowerCase()]: held(roleToken).token } : {}),
    },
    body: {
      ...(serves.has('access-token') ? { accesstoken: held(access).accessToken } : {}),
      ...(serves.has('role-token') ? { roletoken: held(roleToken).token } : {}),
    },
  }
}

function held<T extends AccessToken | RoleToken>(token: T | undefined): T {
  if (token === undefined) throw new IdentityError('TOKEN_NOT_CACHED', 'no token for that domain and role is held')
  return token
}
