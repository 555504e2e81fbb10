/** The paths of a ZTS that there are here, each with what must be known of the caller. */
import { jsonAnswer, Refusal } from './answer.ts'
import type { Operation } from './calls.ts'
import { deleteInstance } from './delete-instance.ts'
import type { Flow } from './parts.ts'
import { notAuthenticated } from './principal.ts'
import { refresh } from './refresh.ts'
import { refreshService } from './refresh-service.ts'
import { register } from './register.ts'

interface Route {
  readonly method: 'GET' | 'POST' | 'DELETE'
  /** Below the base path; `*` is one part that is left open. */
  readonly path: string
  readonly operation: Operation
  readonly flow: Flow
}

const status: Flow = async () => jsonAnswer(200, { code: 200, message: 'OK' })

const keys: Flow = async ({ tokens }, { query }) =>
  jsonAnswer(200, { keys: [tokens.publicJwk({ rfc: query.get('rfc') === 'true' })] })

const cacerts: Flow = async ({ issuer }, { principal, params: [name = ''] }) => {
  if (principal === undefined) throw notAuthenticated()
  if (name === 'athenz') return jsonAnswer(200, { name, certs: issuer.caPem })
  throw new Refusal(404, `getCertificateAuthorityBundle: No such bundle: ${name}`)
}

/** Only the exact path may be called by anyone. */
const registerWithSlash: Flow = async (parts, inbound) => {
  if (inbound.principal === undefined) throw notAuthenticated()
  return register(parts, inbound)
}

const ROUTES: readonly Route[] = [
  { method: 'POST', path: '/instance', operation: 'register', flow: register },
  { method: 'POST', path: '/instance/', operation: 'register', flow: registerWithSlash },
  { method: 'POST', path: '/instance/*/*/refresh', operation: 'refresh-service', flow: refreshService },
  { method: 'POST', path: '/instance/*/*/*/*', operation: 'refresh', flow: refresh },
  { method: 'DELETE', path: '/instance/*/*/*/*', operation: 'delete', flow: deleteInstance },
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
