/** The paths of a ZTS that there are here, each with what must be known of the caller. */
import { jsonAnswer, Refusal } from './answer.ts'
import type { Operation } from './calls.ts'
import { deleteInstance } from './instances/delete-instance.ts'
import type { Flow } from './parts.ts'
import { notAuthenticated } from './principal.ts'
import { refresh } from './instances/refresh.ts'
import { refreshService } from './instances/refresh-service.ts'
import { accessToken } from './oauth/access-token.ts'
import { register } from './instances/register.ts'
import { roleCertificate } from './roles/role-certificate.ts'
import { roleToken } from './roles/role-token.ts'
import { own } from './world.ts'

interface Route {
  readonly method: 'GET' | 'POST' | 'DELETE'
  /** Below the base path; `*` is one part that is left open. */
  readonly path: string
  readonly operation: Operation
  readonly flow: Flow
  /** The one content type of a body. */
  readonly takes?: string
}

const status: Flow = async () => jsonAnswer(200, { code: 200, message: 'OK' })

const keys: Flow = async ({ key }, { query }) =>
  jsonAnswer(200, { keys: [key.publicJwk({ rfc: query.get('rfc') === 'true' })] })

const cacerts: Flow = async ({ issuer, world }, { principal, params: [name = ''] }) => {
  if (principal === undefined) throw notAuthenticated()
  const certs = own(world.caBundles, name) ?? (name === 'athenz' ? issuer.caPem : undefined)
  if (certs !== undefined) return jsonAnswer(200, { name, certs })
  throw new Refusal(404, `getCertificateAuthorityBundle: No such bundle: ${name}`)
}

/** Only the exact path may be called by anyone. */
const registerWithSlash: Flow = async (parts, inbound) => {
  if (inbound.principal === undefined) throw notAuthenticated()
  return register(parts, inbound)
}

const IN_JSON = 'application/json'
const AS_FORM = 'application/x-www-form-urlencoded'

const ROUTES: readonly Route[] = [
  { method: 'POST', path: '/instance', operation: 'register', flow: register, takes: IN_JSON },
  { method: 'POST', path: '/instance/', operation: 'register', flow: registerWithSlash, takes: IN_JSON },
  { method: 'POST', path: '/instance/*/*/refresh', operation: 'refresh-service', flow: refreshService, takes: IN_JSON },
  { method: 'POST', path: '/instance/*/*/*/*', operation: 'refresh', flow: refresh, takes: IN_JSON },
  { method: 'DELETE', path: '/instance/*/*/*/*', operation: 'delete', flow: deleteInstance },
  { method: 'POST', path: '/rolecert', operation: 'role-certificate', flow: roleCertificate, takes: IN_JSON },
  { method: 'POST', path: '/oauth2/token', operation: 'access-token', flow: accessToken, takes: AS_FORM },
  { method: 'GET', path: '/domain/*/token', operation: 'role-token', flow: roleToken },
  { method: 'GET', path: '/status', operation: 'status', flow: status },
  { method: 'GET', path: '/cacerts/*', operation: 'cacerts', flow: cacerts },
  { method: 'GET', path: '/oauth2/keys', operation: 'keys', flow: keys },
]

export type Found =
  | { readonly route: Route; readonly params: readonly string[] }
  | { readonly route: undefined; readonly status: 404 | 405 }

export function findRoute(method: string, path: string): Found {
  const known = ROUTES.flatMap((route) => {
    const params = paramsOf(route.path, path)
    return params === undefined ? [] : [{ route, params }]
  })
  const found = known.find(({ route }) => route.method === method)
  return found ?? { route: undefined, status: known.length === 0 ? 404 : 405 }
}

function paramsOf(pattern: string, path: string): string[] | undefined {
  const wanted = pattern.split('/')
  const parts = path.split('/')
  if (wanted.length !== parts.length) return undefined
  const params: string[] = []
  for (const [index, part] of parts.entries()) {
    if (wanted[index] === '*' && part !== '') params.push(decoded(part))
    else if (wanted[index] !== part) return undefined
  }
  return params
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}
