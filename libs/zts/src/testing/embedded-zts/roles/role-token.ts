/** `GET /domain/{domain}/token`: a role token, roles of one domain in the form of an N-token (spec `zts.md` 10). */
import { formatYBase64 } from '@pallas/identity'
import { jsonAnswer, PageRefusal } from '../answer.ts'
import type { Flow } from '../parts.ts'
import { notAuthenticated } from '../principal.ts'
import { checkName } from '../schema.ts'
import { newSalt, ZTS_HOST } from '../tokens.ts'
import { grantRoles } from './membership.ts'
import { tokenSeconds } from './token-life.ts'

export const roleToken: Flow = async (parts, { principal, params, query, caller, facts }) => {
  if (principal === undefined) throw notAuthenticated()
  const domain = checkName(params[0] ?? '', 'CompoundName', 'DomainName').toLowerCase()
  const asked = namesOf(query.get('role') ?? '')
  const proxyFor = query.get('proxyForPrincipal') ?? ''
  Object.assign(facts, { domain, ...(asked === undefined ? {} : { roles: asked }) })
  const grant = grantRoles(parts.world, principal, {
    domain,
    roles: asked,
    proxyForPrincipal: proxyFor === '' ? undefined : checkName(proxyFor, 'CompoundName', 'EntityName').toLowerCase(),
    says: SAYS,
  })

  const wish = { least: secondsIn(query, 'minExpiryTime'), most: secondsIn(query, 'maxExpiryTime') }
  const seconds = tokenSeconds(grant, wish)
  const issuedAt = Math.floor(parts.now() / 1_000)
  const unsigned = textOf({
    v: 'Z1',
    d: domain,
    r: grant.roles.join(','),
    c: asked === undefined ? '1' : undefined,
    p: grant.principal,
    h: ZTS_HOST,
    proxy: grant.proxy,
    a: newSalt(),
    t: String(issuedAt),
    e: String(issuedAt + seconds),
    k: parts.key.keyId,
    i: caller.clientIp,
  })
  Object.assign(facts, { roles: grant.roles, expirySeconds: seconds })
  const token = `${unsigned};s=${formatYBase64(await parts.key.sign(Buffer.from(unsigned)))}`
  return jsonAnswer(200, { token, expiryTime: issuedAt + seconds })
}

const SAYS = {
  api: 'getroletoken',
  prefix: 'getRoleToken: ',
  noProxy: (name: string) => `getRoleToken: Principal: ${name} not authorized for proxy role token request`,
}

const namesOf = (list: string): string[] | undefined =>
  list === '' ? undefined : list.split(',').map((name) => checkName(name, 'CompoundName', 'EntityList').toLowerCase())

/** Zero for no wish; what is no number finds no resource. */
function secondsIn(query: URLSearchParams, key: string): number {
  const text = query.get(key) ?? ''
  if (/^-?\d{0,9}$/.test(text)) return Math.max(0, Number(text))
  throw new PageRefusal(404)
}

const textOf = (fields: Readonly<Record<string, string | undefined>>): string =>
  Object.entries(fields)
    .flatMap(([key, value]) => (value === undefined ? [] : [`${key}=${value}`]))
    .join(';')
