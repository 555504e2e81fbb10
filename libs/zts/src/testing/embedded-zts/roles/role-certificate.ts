/** `POST /rolecert`: a certificate that says who its holder is and which role it has (spec `zts.md` 3.6 and 7). */
import { jsonAnswer, Refusal } from '../answer.ts'
import { readRequest } from '../instances/csr-reading.ts'
import type { Flow } from '../parts.ts'
import { checkIsService, notAuthenticated } from '../principal.ts'
import { readBody } from '../schema.ts'
import { lifeMinutes } from '../instances/terms.ts'
import { grantRoles, limitOf } from './membership.ts'
import { checkRoleRequest } from './role-csr.ts'

const UNPARSABLE = 'Unable to parse PKCS10 CSR'

export const roleCertificate: Flow = async (parts, { principal, body: raw, caller, facts }) => {
  if (principal === undefined) throw notAuthenticated()
  const body = readBody(raw, 'RoleCertificateRequest')
  const request = readRequest(body.text('csr') ?? '', UNPARSABLE)
  const { domain, role } = roleIn(request.names.commonName)
  Object.assign(facts, { domain, roles: [role] })
  checkIsService(principal)

  const grant = grantRoles(parts.world, principal, {
    domain,
    roles: [role],
    proxyForPrincipal: body.text('proxyForPrincipal')?.toLowerCase() || undefined,
    says: SAYS,
  })
  const { certificate } = principal
  checkRoleRequest(request.names, { world: parts.world, domain, role, grant, caller, certificate })

  const expiryMinutes = lifeMinutes([body.minutes('expiryTime')], limitOf(grant, 'certExpiryMinutes'))
  const { certPem, serial } = await parts.issuer.issue(request.csr, expiryMinutes, 'client')
  Object.assign(facts, { serial, expiryMinutes })
  return jsonAnswer(200, { x509Certificate: certPem })
}

const SAYS = {
  api: 'postrolecertificaterequestext',
  prefix: '',
  noProxy: (name: string) => `Principal: ${name} not authorized for proxy role certificate request`,
}

/** Taken as it is written: a name in upper case is the name of nothing. */
function roleIn(commonName: string | undefined): { readonly domain: string; readonly role: string } {
  const [, domain, role] = /^(.+?):role\.(.+)$/.exec(commonName ?? '') ?? []
  if (domain !== undefined && role !== undefined) return { domain, role }
  throw new Refusal(400, `${UNPARSABLE}: Role Certificate CN is not a valid role: ${commonName ?? null}`)
}
