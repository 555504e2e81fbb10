/** The one call of ZTS that needs no agent: a certificate for a service that owns its key (`spec/zts.md` 3.5, 4.3). */
import { HostError, type Http, type HttpResponse, type TlsPeer } from '@pallas/host'
import { IdentityError } from '@pallas/identity'

const MAX_ANSWER_BYTES = 256 * 1024

export interface ZtsOptions {
  readonly http: Http
  /** Base URL with its version path, `https://…/zts/v1`. */
  readonly endpoint: string
  /** Who ZTS is. */
  readonly caPem: string
  /** Header that carries the principal token. */
  readonly authHeader: string
  readonly timeoutMs: number
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

/** The result throws `ISSUER_DENIED` (with the status in its fields) or `ISSUER_UNAVAILABLE`. */
export function createZtsCall({ http, endpoint, caPem, authHeader, timeoutMs }: ZtsOptions): RequestCertificate {
  const { peer, basePath } = placeOf(endpoint, caPem)
  return async ({ domain, service, csr, ntoken, expiryMinutes }, signal) => {
    const path = `${basePath}/instance/${encodeURIComponent(domain)}/${encodeURIComponent(service)}/refresh`
    const headers = { 'content-type': 'application/json', accept: 'application/json', [authHeader]: ntoken }
    const body = JSON.stringify({ csr, expiryTime: expiryMinutes })
    try {
      const request = { to: peer, method: 'POST', path, headers, body, timeoutMs, maxBytes: MAX_ANSWER_BYTES } as const
      return certificateOf(await http.exchange(request, signal))
    } catch (error) {
      if (error instanceof HostError) throw unavailable('zts could not be reached', {}, { cause: error })
      throw error
    }
  }
}

const ENDPOINT = /^https:\/\/(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]+))(?::(\d{1,5}))?((?:\/[^?#\s]*)?)$/

function placeOf(endpoint: string, caPem: string): { readonly peer: TlsPeer; readonly basePath: string } {
  const [, v6, name, port = '443', path = ''] = ENDPOINT.exec(endpoint) ?? []
  const host = v6 ?? name
  if (host === undefined) throw new TypeError('zts-endpoint must be an https url')
  return { peer: { kind: 'tls', host, port: Number(port), caPem }, basePath: path.replace(/\/+$/, '') }
}

/** Whoever asks for more is asked again all the same. */
const LONGEST_WAIT_SECONDS = 3_600

function certificateOf({ status, headers, body }: HttpResponse): ServiceCertificate {
  const { certificate, caCertBundle, code, message } = objectOf(body)
  if (status === 200) {
    if (isText(certificate)) return { certificate, caCertBundle: isText(caCertBundle) ? caCertBundle : '' }
    throw unavailable('zts answered without a certificate', { status })
  }
  // A refusal is one only in the form that ZTS gives it: the page of some proxy denies nothing.
  if (status >= 400 && status < 500 && status !== 429 && code === status && isText(message)) {
    throw new IdentityError('ISSUER_DENIED', 'zts refused the certificate', { status, detail: message.slice(0, 300) })
  }
  const seconds = /^\d{1,9}$/.exec(headers['retry-after'] ?? '')?.[0]
  const wait = seconds === undefined ? {} : { retryAfterMs: Math.min(Number(seconds), LONGEST_WAIT_SECONDS) * 1_000 }
  throw unavailable('zts gives no certificate now', { status }, wait)
}

function objectOf(json: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(json)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}

const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''

interface Rest {
  readonly cause?: unknown
  readonly retryAfterMs?: number
}

const unavailable = (message: string, fields: Record<string, unknown>, rest: Rest = {}) =>
  new IdentityError('ISSUER_UNAVAILABLE', message, fields, rest)

/** What passes by itself while a domain, a service or a key is still on its way to this ZTS. */
export const mayBeReplicating = (error: unknown): boolean =>
  error instanceof IdentityError && error.code === 'ISSUER_DENIED' && error.fields['status'] !== 403
