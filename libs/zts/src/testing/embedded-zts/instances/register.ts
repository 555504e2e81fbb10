/** `POST /instance`: a first certificate, decided in the order of spec `zts.md` 4.1. */
import { jsonAnswer, Refusal } from '../answer.ts'
import { instanceIdOf, readRequest } from './csr-reading.ts'
import { askCallback, checkLaunch, seal, vetCsr } from './instance-steps.ts'
import type { Flow } from '../parts.ts'
import { readBody } from '../schema.ts'

export const register: Flow = async (parts, inbound) => {
  const body = readBody(inbound.body, 'InstanceRegisterInformation')
  const provider = body.name('provider', 'CompoundName')
  const domain = body.name('domain', 'CompoundName')
  const service = body.name('service', 'SimpleName')
  const asked = { provider, domain, service, body }
  Object.assign(inbound.facts, { provider, domain, service })
  checkLaunch(parts, asked)

  const csr = body.text('csr') ?? ''
  if (csr === '') throw new Refusal(400, 'Audience is required for jwt SVID requests')
  if ((body.text('attestationData') ?? '') === '') {
    throw new Refusal(400, 'attestation data is required for x509 certificate request')
  }
  const request = readRequest(csr)
  const instanceId = instanceIdOf(request.names) ?? body.text('x509CertInstanceId') ?? ''
  inbound.facts.instanceId = instanceId
  const shownDns = vetCsr(parts, asked, request, instanceId)

  const terms = await askCallback(parts, inbound, asked, { path: '/instance', instanceId, shownDns, request })
  const { identity, serial } = await seal(parts, inbound, asked, { request, terms, instanceId })
  if (terms.refreshable) parts.records.start({ provider, domain, service, instanceId }, serial)

  const path = [provider, domain, service, encodeURIComponent(instanceId)].join('/')
  return jsonAnswer(201, identity, [['Location', `${inbound.origin}/zts/v1/instance/${path}`]])
}
