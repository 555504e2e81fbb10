/** `POST /oauth2/token`: an access token for roles of one domain (spec `zts.md` 8, `zts-recorded.md` 6). */
import { createHash, randomUUID } from 'node:crypto'
import { jsonAnswer, Refusal } from '../answer.ts'
import type { Flow } from '../parts.ts'
import { notAuthenticated, type Principal } from '../principal.ts'
import { grantRoles, type RoleGrant } from '../roles/membership.ts'
import { tokenSeconds } from '../roles/token-life.ts'
import { checkName } from '../schema.ts'
import { ZTS_HOST } from '../tokens.ts'
import { readTokenForm } from './form.ts'
import { readScope, type Scope } from './scope.ts'

export const accessToken: Flow = async (parts, { principal, body, facts }) => {
  if (principal === undefined) throw notAuthenticated()
  const form = readTokenForm(body)
  const scope = readScope(form.scope)
  const wantsIdToken = scope.openid && parts.world.idTokens
  Object.assign(facts, { domain: scope.domain, ...(scope.roles === undefined ? {} : { roles: scope.roles }) })
  const { domain, roles: asked } = scope
  const { proxyForPrincipal } = form
  const grant = grantRoles(parts.world, principal, { domain, roles: asked, proxyForPrincipal, says: SAYS })
  if (wantsIdToken && grant.proxy !== undefined) throw new Refusal(400, 'Proxy Principal cannot request id tokens')

  const issuedAt = Math.floor(parts.now() / 1_000)
  const seconds = tokenSeconds(grant, { most: form.expiresIn })
  Object.assign(facts, { roles: grant.roles, expirySeconds: seconds })
  const token = parts.key.signJws(claimsOf(grant, scope, principal, { issuedAt, seconds }), 'at+jwt')
  const idToken = wantsIdToken ? parts.key.signJws(idClaimsOf(grant, scope, { issuedAt, seconds })) : undefined
  return jsonAnswer(200, {
    access_token: token,
    token_type: 'Bearer',
    expires_in: seconds,
    ...(isWorthSaying(scope, grant) ? { scope: scopeTextOf(scope.domain, grant, wantsIdToken) } : {}),
    ...(idToken === undefined ? {} : { id_token: idToken }),
  })
}

const SAYS = {
  api: 'postaccesstokenrequest',
  prefix: '',
  noProxy: (name: string) =>
    `postAccessTokenRequest: Principal: ${name} not authorized for proxy access token request`,
}

interface TokenLife {
  readonly issuedAt: number
  readonly seconds: number
}

function claimsOf(grant: RoleGrant, { domain }: Scope, { certificate }: Principal, { issuedAt, seconds }: TokenLife) {
  const { principal, proxy, roles } = grant
  return {
    sub: principal,
    scp: roles,
    ver: 1,
    iss: ZTS_HOST,
    client_id: principal,
    aud: domain,
    uid: principal,
    auth_time: issuedAt,
    scope: roles.join(' '),
    ...(certificate === undefined ? {} : { cnf: { 'x5t#S256': thumbprintOf(certificate.der) } }),
    ...(proxy === undefined ? {} : { proxy }),
    exp: issuedAt + seconds,
    iat: issuedAt,
    jti: randomUUID(),
  }
}

const LONGEST_ID_TOKEN_SECONDS = 43_200

function idClaimsOf({ principal }: RoleGrant, { domain, service }: Scope, { issuedAt, seconds }: TokenLife) {
  const audience = `${domain}.${checkName(service ?? '', 'SimpleName', 'SimpleName')}`
  const exp = issuedAt + Math.min(seconds, LONGEST_ID_TOKEN_SECONDS)
  return { sub: principal, ver: 1, iss: ZTS_HOST, aud: audience, auth_time: issuedAt, exp, iat: issuedAt }
}

const thumbprintOf = (der: Uint8Array): string => createHash('sha256').update(der).digest('base64url')

const isWorthSaying = ({ isWholeDomain, roles }: Scope, grant: RoleGrant): boolean =>
  isWholeDomain || (roles !== undefined && roles.length !== grant.roles.length)

const scopeTextOf = (domain: string, { roles }: RoleGrant, openid: boolean): string =>
  [...roles.map((role) => `${domain}:role.${role}`), ...(openid ? ['openid'] : [])].join(' ')
