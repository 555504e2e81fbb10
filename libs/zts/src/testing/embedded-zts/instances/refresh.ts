/** `POST /instance/{provider}/{domain}/{service}/{id}`: the next certificate of a lineage (spec `zts.md` 4.2). */
import { jsonAnswer, Refusal } from '../answer.ts'
import { domainOfService } from '../authorise.ts'
import { instanceIdOf, readRequest } from './csr-reading.ts'
import { failed } from './csr-rules.ts'
import { instanceOf } from './instance-path.ts'
import { askCallback, checkLaunch, seal, vetCsr } from './instance-steps.ts'
import type { Flow } from '../parts.ts'
import { checkIsService, notAuthenticated, type Principal } from '../principal.ts'
import { readBody } from '../schema.ts'

export const refresh: Flow = async (parts, inbound) => {
  const body = readBody(inbound.body, 'InstanceRefreshInformation')
  const instance = instanceOf(inbound)
  const { provider, domain, service, instanceId } = instance
  const asked = { provider, domain, service, body }
  domainOfService(parts.world, domain, service)
  const csr = body.text('csr') ?? ''
  if (csr === '') throw new Refusal(400, 'no csr provided')
  const certificate = certificateOf(inbound.principal, `${domain}.${service}`)
  checkLaunch(parts, asked)

  const request = readRequest(csr)
  const requestedId = instanceIdOf(request.names) ?? ''
  const shownDns = vetCsr(parts, asked, request, requestedId)
  if (requestedId !== instanceId || instanceIdOf(certificate.names) !== instanceId) throw failed('instance id mismatch')

  // Like the real one: the callback is asked before the record is looked at.
  const terms = await askCallback(parts, inbound, asked, { path: '/refresh', instanceId, shownDns, request })
  const record = terms.refreshable ? parts.records.check(instance, certificate.serial) : undefined
  const { identity, serial } = await seal(parts, inbound, asked, { request, terms, instanceId })
  if (record !== undefined) parts.records.advance(instance, record, serial)
  return jsonAnswer(200, identity)
}

function certificateOf(principal: Principal | undefined, name: string) {
  if (principal === undefined) throw notAuthenticated()
  if (principal.name !== name) throw new Refusal(400, `Principal mismatch: ${name} vs. ${principal.name}`)
  checkIsService(principal)
  if (principal.certificate !== undefined) return principal.certificate
  throw new Refusal(400, 'Unsupported authority for TLS Certs: com.yahoo.athenz.auth.impl.PrincipalAuthority')
}
