/** The one call of ZTS that the control plane's SIA makes, strict in what it takes (`spec/zts.md` 4.3). */
import type { HttpRequest, HttpResponse } from '@pallas/host'
import { verifyNToken } from '@pallas/identity'
import { readCsr, sameBytes } from '@pallas/x509'
import { nodeVerify, type TestCa } from '@pallas/x509/testing'

export interface TestZtsOptions {
  readonly ca: TestCa
  /** Epoch milliseconds. */
  readonly now: () => number
}

export class TestZts {
  lifeMs = 24 * 3_600_000
  /** Public keys of the service by version, DER. */
  readonly keys = new Map<string, Uint8Array>()
  /** Answers other than what ZTS would say, one each. */
  readonly instead: HttpResponse[] = []
  readonly requests: HttpRequest[] = []
  readonly #options: TestZtsOptions

  constructor(options: TestZtsOptions) {
    this.#options = options
  }

  readonly handler = async (request: HttpRequest): Promise<HttpResponse> => {
    this.requests.push(request)
    const { ca, now } = this.#options
    const instead = this.instead.shift()
    if (instead !== undefined) return instead
    const [, domain, service] = /^\/zts\/v1\/instance\/([^/]+)\/([^/]+)\/refresh$/.exec(request.path) ?? []
    if (domain === undefined || service === undefined) return ztsError(404, 'no such path')
    const { csr, expiryTime } = JSON.parse(request.body ?? '')
    if (expiryTime !== 10_080) return ztsError(400, 'not minutes')

    let spki: Uint8Array | undefined
    const ntoken = request.headers?.['athenz-principal-auth'] ?? request.headers?.['Athenz-Principal-Auth'] ?? ''
    const verdict = await verifyNToken(ntoken, now() / 1_000, async ({ claims, signedData, signature }) => {
      spki = this.keys.get(claims.keyId)
      if (spki === undefined || `${claims.domain}.${claims.service}` !== `${domain}.${service}`) return false
      const scheme = spki.length > 150 ? 'rsa-sha256' : 'ecdsa-sha256'
      return nodeVerify({ scheme, spki, data: signedData, signature })
    })
    if (!verdict.ok) return ztsError(401, 'Invalid credentials')
    const { commonName, spki: asked } = readCsr(csr)
    if (commonName !== `${domain}.${service}`) return ztsError(400, 'Invalid CSR - data mismatch')
    if (spki === undefined || !sameBytes(asked, spki)) return ztsError(400, 'Invalid CSR - public key mismatch')
    const { certPem } = await ca.sign(csr, { lifeMs: this.lifeMs, notBefore: now() })
    const body = { name: `${domain}.${service}`, certificate: certPem, caCertBundle: ca.chainPem }
    return { status: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
  }
}

export const ztsError = (code: number, message: string, headers: Record<string, string> = {}): HttpResponse => ({
  status: code,
  headers,
  body: JSON.stringify({ code, message }),
})
