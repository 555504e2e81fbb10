/**
 * The bodies of `POST /accesstoken` and `POST /roletoken`, as k8s-athenz-sia takes them: what is not known there is
 * refused, and no name reaches ZTS or a cache that is not one in the grammar of Athenz.
 */
import { IdentityError } from '@pallas/identity'
import type { AccessTokenWish, RoleTokenWish, TokenWish } from '../companions.ts'
import { isCompoundName } from '../settings/targets.ts'

const MOST_ROLES = 100
/** What ZTS takes: 32 bits. */
const LONGEST_EXPIRY_SECONDS = 2 ** 31 - 1

type Body = Readonly<Record<string, unknown>>

/** Throws `BODY_INVALID`. */
export function parseAccessTokenRequest(body: unknown): AccessTokenWish {
  const fields = fieldsOf(body, ['domain', 'role', 'proxy_for_principal', 'expiry'])
  const expiry = secondsIn(fields, 'expiry')
  return { ...wishIn(fields), ...(expiry === 0 ? {} : { expirySeconds: expiry }) }
}

/** Throws `BODY_INVALID`. `max_expiry` is taken and, as there, counts for nothing. */
export function parseRoleTokenRequest(body: unknown): RoleTokenWish {
  const fields = fieldsOf(body, ['domain', 'role', 'proxy_for_principal', 'min_expiry', 'max_expiry'])
  const expiry = secondsIn(fields, 'min_expiry')
  secondsIn(fields, 'max_expiry')
  return { ...wishIn(fields), ...(expiry === 0 ? {} : { minExpirySeconds: expiry }) }
}

/** Throws `BODY_INVALID`. `roles` is a comma list, empty for all roles of the domain. */
export function parseWish(domain: string, roles: string): Pick<TokenWish, 'domain' | 'roles'> {
  if (!isCompoundName(domain)) throw invalid('not an athenz domain', 'domain')
  const names = roles === '' ? [] : roles.split(',').map((role) => role.trim())
  if (names.length > MOST_ROLES || !names.every(isCompoundName)) throw invalid('not a list of athenz roles', 'role')
  return { domain, roles: [...new Set(names)].toSorted() }
}

function wishIn(fields: Body): TokenWish {
  const wish = parseWish(textIn(fields, 'domain'), textIn(fields, 'role'))
  const proxy = textIn(fields, 'proxy_for_principal')
  if (proxy === '') return wish
  if (!isCompoundName(proxy)) throw invalid('not an athenz principal', 'proxy_for_principal')
  return { ...wish, proxyForPrincipal: proxy }
}

function fieldsOf(body: unknown, known: readonly string[]): Body {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw invalid('not an object', 'body')
  if (!Object.keys(body).every((key) => known.includes(key))) throw invalid('there is an unknown field', 'body')
  return { ...body }
}

/** Absent and null are the empty text, as for a client written in Go. */
function textIn(fields: Body, key: string): string {
  const value = fields[key] ?? ''
  if (typeof value !== 'string') throw invalid('not a text', key)
  return value
}

function secondsIn(fields: Body, key: string): number {
  const value = fields[key] ?? 0
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > LONGEST_EXPIRY_SECONDS) {
    throw invalid('not a number of seconds', key)
  }
  return value
}

/** The field is one that this file names; what was sent stays out. */
const invalid = (message: string, field: string) => new IdentityError('BODY_INVALID', message, { field })
