/** What ZTS sends when it says yes. Anything less than the promised fields is `ZTS_BAD_ANSWER`; more is ignored. */
import { ZtsError } from './error.ts'
import type { RawAnswer } from './exchange.ts'
import { isObject, jsonObject } from './json.ts'
import type { InstanceIdentity, ServiceCertificate } from './zts.ts'

interface Whose {
  readonly domain: string
  readonly service: string
  /** Absent on register, where ZTS reads it from the CSR. */
  readonly instanceId?: string
}

export function identityOf(answer: RawAnswer, whose: Whose): InstanceIdentity {
  const fields = fieldsOf(answer, whose)
  const instanceId = fields('instanceId')
  if (whose.instanceId !== undefined && instanceId !== whose.instanceId) throw badAnswer(answer, 'instanceId')
  if (instanceId === '') throw badAnswer(answer, 'instanceId')
  const serviceToken = fields('serviceToken')
  return {
    instanceId,
    x509Certificate: certificate(answer, fields('x509Certificate')),
    x509CertificateSigner: fields('x509CertificateSigner'),
    ...(serviceToken === '' ? {} : { serviceToken }),
  }
}

export function serviceCertificateOf(answer: RawAnswer, whose: Whose): ServiceCertificate {
  const fields = fieldsOf(answer, whose)
  return { certificate: certificate(answer, fields('certificate')), caCertBundle: fields('caCertBundle') }
}

/** Reads text fields, absent ones as empty, from an answer about the service that was asked for. */
function fieldsOf(answer: RawAnswer, { domain, service }: Whose): (key: string) => string {
  const json = isJson(answer.contentType) ? jsonObject(answer.body) : undefined
  if (!isObject(json)) throw new ZtsError('ZTS_BAD_ANSWER', 'zts did not answer in json', { status: answer.status })
  const fields = (key: string): string => {
    const value = json[key] ?? ''
    if (typeof value === 'string') return value
    throw badAnswer(answer, key)
  }
  if (fields('name').toLowerCase() !== `${domain}.${service}`.toLowerCase()) throw badAnswer(answer, 'name')
  return fields
}

/** Only that there is one: whether it is the right one is for the caller, who knows the key and the names. */
function certificate(answer: RawAnswer, pem: string): string {
  if (/^-----BEGIN CERTIFICATE-----$/m.test(pem) && /^-----END CERTIFICATE-----$/m.test(pem)) return pem
  throw new ZtsError('ZTS_BAD_ANSWER', 'zts answered without a certificate', { status: answer.status })
}

const isJson = (contentType: string): boolean => /^application\/json\s*(;|$)/i.test(contentType)

const badAnswer = ({ status }: RawAnswer, field: string) =>
  new ZtsError('ZTS_BAD_ANSWER', 'a field of the answer is not what it must be', { status, detail: field })
