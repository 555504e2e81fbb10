/** The one call of ZTS that needs no agent: a certificate for a service that owns its key (`spec/zts.md` 3.5, 4.3). */
import { createZtsCall, isText, textIn, type ZtsOptions } from '../zts/call.ts'

export interface ControlZtsOptions extends ZtsOptions {
  /** Who ZTS is. */
  readonly caPem: () => string
  /** Header that carries the principal token. */
  readonly authHeader: string
}

export interface CertificateRequest {
  readonly domain: string
  readonly service: string
  readonly csr: string
  readonly ntoken: string
  readonly expiryMinutes: number
}

export interface ServiceCertificate {
  readonly certificate: string
  /** Empty when ZTS is set up not to send it. */
  readonly caCertBundle: string
}

export type RequestCertificate = (request: CertificateRequest, signal: AbortSignal) => Promise<ServiceCertificate>

/** The result throws as a `ZtsCall` does. */
export function createCertificateRequest({ caPem, authHeader, ...options }: ControlZtsOptions): RequestCertificate {
  const call = createZtsCall(options)
  return async ({ domain, service, csr, ntoken, expiryMinutes }, signal) => {
    const path = `/instance/${encodeURIComponent(domain)}/${encodeURIComponent(service)}/refresh`
    const headers = { 'content-type': 'application/json', [authHeader]: ntoken }
    const body = JSON.stringify({ csr, expiryTime: expiryMinutes })
    const answer = await call({ method: 'POST', path, headers, body, caPem: caPem() }, signal)
    const { caCertBundle } = answer
    return { certificate: textIn(answer, 'certificate'), caCertBundle: isText(caCertBundle) ? caCertBundle : '' }
  }
}
