/** `POST /instance/{domain}/{service}/refresh`: for a service that owns a registered key (spec `zts.md` 4.3). */
import { createPublicKey } from 'node:crypto'
import { sameBytes } from '@pallas/x509'
import { jsonAnswer, Refusal } from '../answer.ts'
import { domainOfService, isAllowed } from '../authorise.ts'
import { type ReadRequest, readRequest } from './csr-reading.ts'
import { checkSpiffe } from './csr-rules.ts'
import type { Flow } from '../parts.ts'
import { checkIsService, notAuthenticated, type Principal } from '../principal.ts'
import { checkName, readBody } from '../schema.ts'
import { lifeMinutes } from './terms.ts'
import type { ZtsWorld } from '../world.ts'

export const refreshService: Flow = async (parts, { params, principal, body: raw, facts }) => {
  const body = readBody(raw, 'InstanceRefreshRequest')
  const domain = checkName(params[0] ?? '', 'CompoundName', 'DomainName').toLowerCase()
  const service = checkName(params[1] ?? '', 'SimpleName', 'SimpleName').toLowerCase()
  const name = `${domain}.${service}`
  Object.assign(facts, { domain, service })
  if (principal === undefined) throw notAuthenticated()
  checkIsService(principal)
  const { serviceCertExpiryMinutes } = domainOfService(parts.world, domain, service)
  if (principal.name !== name && !isAllowed(parts.world, principal.name, 'update', `${domain}:service`)) {
    throw new Refusal(400, `Principal mismatch: ${name} vs. ${principal.name}`)
  }

  const keyId = principal.keyId ?? body.text('keyId') ?? '0'
  const registered = parts.publicKeyOf(name, keyId)
  if (registered === undefined) {
    throw new Refusal(400, `Unable to retrieve public key for ${name} with key id: ${keyId}`)
  }
  const request = readRequest(body.text('csr') ?? '')
  checkRequest(request, { domain, service, namespace: body.text('namespace') }, parts.world)
  if (!sameBytes(request.csr.spki, spkiOf(registered))) throw new Refusal(400, 'Invalid CSR - public key mismatch')
  if (principal.name === name) checkAgainstCurrent(request, principal)

  const expiryMinutes = lifeMinutes([body.minutes('expiryTime')], serviceCertExpiryMinutes)
  const { certPem, serial } = await parts.issuer.issue(request.csr, expiryMinutes)
  Object.assign(facts, { serial, expiryMinutes })
  return jsonAnswer(200, { name, certificate: certPem, caCertBundle: parts.issuer.caPem })
}

interface Whose {
  readonly domain: string
  readonly service: string
  readonly namespace: string | undefined
}

function checkRequest({ names }: ReadRequest, whose: Whose, { certDnsSuffixes, spiffeTrustDomain }: ZtsWorld): void {
  const { domain, service } = whose
  const ownName = `${service}.${domain.replaceAll('.', '-')}.`
  const fits = (dns: string) =>
    certDnsSuffixes.some(
      (suffix) =>
        dns.endsWith(suffix) &&
        (`${dns.slice(0, -suffix.length)}.`.startsWith(ownName) || dns.endsWith(`.instanceid.athenz${suffix}`)),
    )
  if (names.commonName?.toLowerCase() !== `${domain}.${service}` || !names.dns.every(fits)) {
    throw new Refusal(400, 'Invalid CSR - data mismatch')
  }
  checkSpiffe(names.spiffe, { ...whose, spiffeTrustDomain })
}

/** A caller with its own certificate gets the same names for the same key again, and no others. */
function checkAgainstCurrent({ names, csr }: ReadRequest, { certificate }: Principal): void {
  if (certificate === undefined) return
  const sameNames = new Set(names.dns).symmetricDifference(new Set(certificate.names.dns)).size === 0
  if (!sameNames || !sameBytes(csr.spki, certificate.spki)) throw new Refusal(400, 'Invalid CSR - data mismatch')
}

const spkiOf = (pem: string): Uint8Array => createPublicKey(pem).export({ format: 'der', type: 'spki' })
