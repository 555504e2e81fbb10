/** An identity agent that attests nobody: it issues from a test CA, and errs as a test wants. */
import { HostError, type HttpRequest, type HttpResponse } from '@pallas/host'
import { kindOf, type ReasonCode, type WorkloadNames } from '@pallas/identity'
import { type Credentials, credentialsAnswer, parseInitRequest, parseRefreshRequest } from '@pallas/wire'
import { readCsr } from '@pallas/x509'
import { nodeKey, type TestCa } from '@pallas/x509/testing'

export const HANDLE = 'A'.repeat(43)
export const NAMES: WorkloadNames = {
  commonName: 'media.on-air.web',
  dns: ['web.media-on-air.svc.cluster.local', '4f14e5f4-0d7c-4c58-9c3a-2a7f6a1f0c11.instanceid.athenz.svc.cluster.local'],
  ip: ['10.1.2.3'],
  uri: ['spiffe://media.on-air/sa/web'],
}

const STATUS = { 'bad-request': 400, denied: 403, conflict: 409, unavailable: 503, internal: 500 } as const

export interface TestAgentOptions {
  readonly ca: TestCa
  /** Epoch milliseconds. */
  readonly now: () => number
  readonly lifeMs?: number
}

type Answer = HttpResponse | Promise<HttpResponse>

export class TestAgent {
  names = NAMES
  ntoken = 'v=S1;d=media.on-air;n=web;a=00;t=0;e=99999999999;k=0;z=zts;s=AA--'
  lifeMs: number
  /** Knows what the original knew: no names, no CSR; refusals are plain text with 500. */
  isOriginal = false
  /** How far back its certificates begin. */
  backdateMs = 0
  /** Changes what is answered. */
  spoil: (credentials: Credentials) => Credentials | Promise<Credentials> = (it) => it
  /** Such as `names`, `init csr`, `init`, `refresh csr`, `refresh pair`. */
  readonly calls: string[] = []
  readonly csrs: string[] = []
  /** Nothing can be issued: whoever comes with the key of the last certificate gets that one, without a token. */
  isCutOff = false
  /** What was issued for the last CSR. */
  #record: { readonly spki: string; readonly certPem: string } | undefined
  readonly #ca: TestCa
  readonly #now: () => number
  readonly #instead: (() => Answer)[] = []

  constructor({ ca, now, lifeMs = 24 * 3_600_000 }: TestAgentOptions) {
    this.#ca = ca
    this.#now = now
    this.lifeMs = lifeMs
  }

  /** The next answers, one each, instead of what the agent would say; `names` is not asked for them. */
  willAnswer(...answers: (() => Answer)[]): void {
    this.#instead.push(...answers)
  }

  willRefuse(code: ReasonCode, { times = 1, retryAfter }: { times?: number; retryAfter?: number } = {}): void {
    for (let n = 0; n < times; n++) this.willAnswer(() => refusal(code, retryAfter))
  }

  /** Forgets what it was to answer instead. */
  answerAgain(): void {
    this.#instead.length = 0
  }

  /** How often it was asked for credentials. */
  get asked(): number {
    return this.calls.filter((call) => call !== 'names').length
  }

  readonly handler = async (request: HttpRequest): Promise<HttpResponse> => {
    const [, verb = '', handle] = /^\/v1\/(names|init|refresh)\/(.+)$/.exec(request.path) ?? []
    if (handle !== HANDLE) return refusal('HANDLE_UNKNOWN')
    if (this.isOriginal && verb === 'names') return { status: 404, headers: {}, body: '404 page not found\n' }
    if (verb === 'names') {
      this.calls.push('names')
      return { status: 200, headers: {}, body: JSON.stringify(this.names) }
    }
    const wish = verb === 'init' ? parseInitRequest(request.body) : parseRefreshRequest(request.body)
    const by = wish.origin === 'pod' ? ' csr' : wish.previous === undefined ? '' : ' pair'
    this.calls.push(`${verb}${by}`)
    if (wish.origin === 'pod') this.csrs.push(wish.csr)
    const instead = this.#instead.shift()
    if (instead !== undefined && this.isOriginal) return { status: 500, headers: {}, body: 'pod lookup failed\n' }
    if (instead !== undefined) return instead()
    if (this.isCutOff) return this.#repeat(wish.origin === 'pod' ? wish.csr : undefined)
    const made = wish.origin === 'pod' && !this.isOriginal ? await this.#sign(wish.csr) : await this.#make()
    const answer = await this.spoil({ ntoken: this.ntoken, caPem: this.#ca.chainPem, ...made })
    return { status: 200, headers: {}, body: JSON.stringify(credentialsAnswer(answer)) }
  }

  /** The next certificate is issued, and nobody hears of it. */
  willLoseAnswer(): void {
    this.willAnswer(async () => {
      await this.#sign(this.csrs.at(-1) ?? '')
      throw new HostError('HOST_UNREACHABLE', 'connection reset')
    })
  }

  #repeat(csr: string | undefined): HttpResponse {
    const { certPem } = this.#record ?? {}
    const isKnown = csr !== undefined && readCsr(csr).spki.toHex() === this.#record?.spki
    if (certPem === undefined || !isKnown) return refusal('ISSUER_UNAVAILABLE')
    const answer = credentialsAnswer({ ntoken: '', certPem, caPem: this.#ca.chainPem })
    return { status: 200, headers: {}, body: JSON.stringify(answer) }
  }

  async #sign(csr: string): Promise<{ readonly certPem: string }> {
    const { certPem } = await this.#ca.sign(csr, { lifeMs: this.lifeMs, notBefore: this.#now() - this.backdateMs })
    this.#record = { spki: readCsr(csr).spki.toHex(), certPem }
    return { certPem }
  }

  async #make() {
    const key = nodeKey()
    const life = { lifeMs: this.lifeMs, notBefore: this.#now() }
    const { certPem } = await this.#ca.issue({ ...this.names, ...life, key: key.object })
    return { keyPem: key.pem, certPem }
  }
}

export const refusal = (code: ReasonCode, retryAfter?: number): HttpResponse => ({
  status: STATUS[kindOf(code)],
  headers: {},
  body: JSON.stringify({ code, message: 'no', ...(retryAfter === undefined ? {} : { retryAfter }) }),
})
