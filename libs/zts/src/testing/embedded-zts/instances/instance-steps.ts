/** Steps that register and refresh share: the CSR's rules, the question to the callback, the certificate. */
import { authoriseLaunch, domainOfService, endpointOf, suffixesOf } from '../authorise.ts'
import { certificateAttributes } from '../principal.ts'
import { confirmationBody, javaAddress, listed, takeReply } from '../provider/confirmation.ts'
import { checkCsr, checkOrganizationalUnit } from './csr-rules.ts'
import type { ReadRequest } from './csr-reading.ts'
import type { Inbound, ZtsParts } from '../parts.ts'
import type { Body } from '../schema.ts'
import { lifeMinutes, type Terms, termsOf } from './terms.ts'
import { own } from '../world.ts'

/** Whom a certificate is asked for, and by what wishes. */
export interface Asked {
  readonly provider: string
  readonly domain: string
  readonly service: string
  readonly body: Body
}

export function checkLaunch({ world }: ZtsParts, { provider, domain, service }: Asked): void {
  domainOfService(world, domain, service)
  authoriseLaunch(world, provider, domain, service)
}

/** The DNS names that the provider gets to see. */
export function vetCsr({ world }: ZtsParts, asked: Asked, { names }: ReadRequest, instanceId: string): string[] {
  const { provider, domain, service, body } = asked
  return checkCsr(names, instanceId, {
    domain,
    service,
    suffixes: suffixesOf(world, provider),
    certDnsDomain: own(world.domains, domain)?.certDnsDomain,
    hostname: body.text('hostname'),
    namespace: body.text('namespace'),
    spiffeTrustDomain: world.spiffeTrustDomain,
    allowedOrganizations: world.allowedOrganizations,
  })
}

export interface Question {
  readonly path: '/instance' | '/refresh'
  readonly instanceId: string
  readonly shownDns: readonly string[]
  readonly request: ReadRequest
}

/** The provider's terms; its no is thrown. */
export async function askCallback(parts: ZtsParts, inbound: Inbound, asked: Asked, question: Question): Promise<Terms> {
  const { provider, domain, service, body } = asked
  const { caller, principal, facts } = inbound
  const { path, instanceId, shownDns, request } = question
  const endpoint = endpointOf(parts.world, provider)
  const hostname = body.text('hostname')
  const certificate = path === '/instance' ? principal?.certificate : undefined
  const text = confirmationBody({
    provider,
    domain,
    service,
    attestationData: body.text('attestationData'),
    attributes: {
      hostname,
      instanceId,
      principal: principal?.name,
      clientIP: javaAddress(caller.clientIp),
      instanceCloud: body.text('cloud'),
      sanDNS: shownDns.join(','),
      sanIP: listed(request.names.ip.map(javaAddress)),
      sanURI: listed(request.names.uri),
      ...(certificate === undefined ? {} : certificateAttributes(certificate)),
    },
  })
  const start = parts.monotonic()
  const reply = await parts.ask({ endpoint, path, provider, body: text })
  facts.callback = {
    status: reply.kind === 'answer' ? reply.status : undefined,
    durationMs: parts.monotonic() - start,
  }
  const terms = termsOf(takeReply(reply, { ...caller, hostname }))
  if (parts.world.verifyOrganizationalUnit) checkOrganizationalUnit(request.names, [terms.subjectOu, provider])
  return terms
}

export interface SealedIdentity {
  readonly serial: string
  /** Body of the answer. */
  readonly identity: object
}

export async function seal(
  parts: ZtsParts,
  inbound: Inbound,
  asked: Asked,
  { request, terms, instanceId }: { request: ReadRequest; terms: Terms; instanceId: string },
): Promise<SealedIdentity> {
  const { provider, domain, service, body } = asked
  const cap = own(parts.world.domains, domain)?.serviceCertExpiryMinutes
  const expiryMinutes = lifeMinutes([terms.expiryMinutes, body.minutes('expiryTime')], cap)
  const { certPem, serial } = await parts.issuer.issue(request.csr, expiryMinutes)
  Object.assign(inbound.facts, { serial, expiryMinutes })
  const name = `${domain}.${service}`
  const identity = {
    provider,
    name,
    instanceId,
    x509Certificate: certPem,
    x509CertificateSigner: parts.issuer.caPem,
    ...(body.flag('token') ? { serviceToken: await parts.tokens.issue(name) } : {}),
    ...(Object.keys(terms.passedOn).length === 0 ? {} : { attributes: terms.passedOn }),
  }
  return { serial, identity }
}
