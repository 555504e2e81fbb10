/**
 * The calls of ZTS that the SIAs make, strict in what they take: `spec/zts.md` 4.3 for a service with a key of its own;
 * 3.6, 7, 8, 10 for members of roles, who come with the certificate of their service.
 */
import type { HttpRequest, HttpResponse } from '@pallas/host'
import { verifyNToken } from '@pallas/identity'
import { type Certificate, readCertificates, readCsr, sameBytes } from '@pallas/x509'
import { nodeVerify, type TestCa } from '@pallas/x509/testing'

export interface TestZtsOptions {
  readonly ca: TestCa
  /** Epoch milliseconds. */
  readonly now: () => number
}

export class TestZts {
  lifeMs = 24 * 3_600_000
  /** At most. */
  roleLifeMs = Infinity
  /** Of tokens. */
  tokenLifeMs = 2 * 3_600_000
  /** Principals by role, such as `media:role.reader`. */
  readonly roles = new Map<string, readonly string[]>()
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
    const member = await this.#answerMember(request)
    if (member !== undefined) return member
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

  /** Undefined for what no member asks. */
  async #answerMember({ path, body = '', to }: HttpRequest): Promise<HttpResponse | undefined> {
    const { ca, now } = this.#options
    if (!/^\/zts\/v1\/(rolecert|oauth2\/token|cacerts\/|domain\/)/.test(path)) return undefined
    const client = to.kind === 'tls' ? to.client : undefined
    const [leaf] = client === undefined ? [] : readCertificates(client.certPem)
    if (leaf === undefined || now() >= leaf.notAfter) return ztsError(401, 'Invalid credentials')
    const principal = leaf.commonName ?? ''
    if (path.startsWith('/zts/v1/cacerts/')) {
      return path.endsWith('/athenz') ? ok({ name: 'athenz', certs: ca.chainPem }) : ztsError(404, 'No such bundle')
    }
    if (path === '/zts/v1/rolecert') return this.#roleCertificate(JSON.parse(body), leaf, principal)
    const { access, domain, names, life } = wishIn(path, body)
    const granted = names.filter((name) => this.roles.get(`${domain}:role.${name}`)?.includes(principal))
    if (names.length === 0) granted.push(...this.#rolesOf(domain, principal))
    if (granted.length === 0 || granted.length < names.length) {
      return ztsError(403, `principal ${principal} is not included in the requested role(s) in domain ${domain}`)
    }
    const iat = Math.floor(now() / 1_000)
    const exp = iat + Math.floor((life ?? this.tokenLifeMs) / 1_000)
    this.#issued++
    if (!access) {
      const token = `v=Z1;d=${domain};r=${granted.join(',')};p=${principal};h=zts;a=${this.#issued};t=${iat};e=${exp};k=0;s=AA--`
      return ok({ token, expiryTime: exp })
    }
    const claims = { iat, exp, sub: principal, scp: granted, aud: domain, jti: String(this.#issued) }
    const [head, payload] = [{ alg: 'ES256', typ: 'at+jwt' }, claims].map((it) => new TextEncoder().encode(JSON.stringify(it)))
    const token = [head, payload, head].map((it) => it?.toBase64({ alphabet: 'base64url', omitPadding: true })).join('.')
    const scope = names.length === 0 ? { scope: granted.map((name) => `${domain}:role.${name}`).join(' ') } : {}
    return ok({ access_token: token, token_type: 'Bearer', expires_in: exp - iat, ...scope })
  }

  #issued = 0

  #rolesOf = (domain: string, principal: string): string[] =>
    [...this.roles]
      .filter(([name, members]) => name.startsWith(`${domain}:role.`) && members.includes(principal))
      .map(([name]) => name.slice(`${domain}:role.`.length))

  async #roleCertificate(
    { csr, expiryTime }: { readonly csr: string; readonly expiryTime: number },
    client: Certificate,
    principal: string,
  ): Promise<HttpResponse> {
    const { ca, now } = this.#options
    const { commonName = '', names } = readCsr(csr)
    if (!this.roles.get(commonName)?.includes(principal)) return ztsError(403, `principal ${principal} is not included`)
    const wanted = [`spiffe://${commonName.replace(':role.', '/ra/')}`, `athenz://principal/${principal}`]
    const isProven = wanted.every((uri) => names.uri.includes(uri)) && names.uri.length === 2
    const isOwn = names.dns.every((name) => client.names.dns.includes(name) && !name.includes('.instanceid.'))
    if (!isProven || !isOwn) return ztsError(400, 'Unable to validate cert request')
    const lifeMs = Math.min(expiryTime * 60_000, this.roleLifeMs)
    const { certPem } = await ca.sign(csr, { lifeMs, notBefore: now(), usages: ['clientAuth'] })
    return ok({ x509Certificate: certPem })
  }
}

const ok = (body: unknown): HttpResponse => ({
  status: 200,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
})

/** What a call for a token asks for. */
function wishIn(path: string, body: string) {
  if (path === '/zts/v1/oauth2/token') {
    const form = new URLSearchParams(body)
    const scopes = (form.get('scope') ?? '').split(' ')
    const names = scopes.flatMap((scope) => scope.split(':role.')[1] ?? [])
    const seconds = Number(form.get('expires_in') ?? 0)
    return { access: true, domain: scopes[0]?.split(':')[0] ?? '', names, life: seconds === 0 ? undefined : seconds * 1_000 }
  }
  const url = new URL(path, 'https://zts')
  const names = (url.searchParams.get('role') ?? '').split(',').filter(Boolean)
  return { access: false, domain: url.pathname.split('/')[4] ?? '', names, life: undefined }
}

export const ztsError = (code: number, message: string, headers: Record<string, string> = {}): HttpResponse => ({
  status: code,
  headers,
  body: JSON.stringify({ code, message }),
})
