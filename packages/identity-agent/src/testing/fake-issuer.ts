import { readCertificate } from '@pallas/x509'
import { TestCa } from '@pallas/x509/testing'
import { type InstanceIdentity, type RefreshRequest, type RegisterRequest, type Zts, ZtsError } from '@pallas/zts'

export type IssuerCall =
  | { readonly kind: 'register'; readonly request: RegisterRequest }
  | { readonly kind: 'refresh'; readonly request: RefreshRequest }

/** Replaces the answer of one call, or throws in its stead. */
export type Twist = (call: IssuerCall, honest: () => Promise<InstanceIdentity>) => Promise<InstanceIdentity>

/** A ZTS that issues at once from a CA of its own, remembers lineages as the real one does, and can be told to misbehave. */
export class FakeIssuer implements Pick<Zts, 'register' | 'refresh'> {
  readonly ca: TestCa
  readonly calls: IssuerCall[] = []
  /** Most calls that ever ran at the same time, by instance. */
  readonly concurrency = new Map<string, number>()
  readonly #now: () => number
  readonly #current = new Map<string, string>()
  readonly #running = new Map<string, number>()
  #twist: Twist = (_call, honest) => honest()

  private constructor(ca: TestCa, now: () => number) {
    this.ca = ca
    this.#now = now
  }

  static async open(now: () => number): Promise<FakeIssuer> {
    return new FakeIssuer(await TestCa.create({ name: 'athenz ca', now: now() }), now)
  }

  will(twist: Twist): void {
    this.#twist = twist
  }

  /** Every call from now on fails so. */
  willFail(error: Error): void {
    this.#twist = () => Promise.reject(error)
  }

  /** Calls from now on wait, those alone that are `meant`, until the function that is returned is called. */
  hold(meant: (call: IssuerCall) => boolean = () => true): () => void {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#twist = async (call, honest) => {
      if (meant(call)) await promise
      return honest()
    }
    return resolve
  }

  /** The newest serial of an instance, as the real one keeps it. */
  currentSerial = (instanceId: string): string | undefined => this.#current.get(instanceId)

  register(request: RegisterRequest): Promise<InstanceIdentity> {
    return this.#take({ kind: 'register', request }, async () => this.#issue(request.csr))
  }

  refresh(request: RefreshRequest): Promise<InstanceIdentity> {
    return this.#take({ kind: 'refresh', request }, async () => {
      const { serial } = readCertificate(request.credentials.certPem)
      if (this.#current.get(request.instanceId) === serial) return this.#issue(request.csr)
      this.#current.set(request.instanceId, '-1')
      throw new ZtsError('ZTS_REVOKED', 'zts no longer knows this certificate', { status: 403 })
    })
  }

  async #take(call: IssuerCall, honest: () => Promise<InstanceIdentity>): Promise<InstanceIdentity> {
    this.calls.push(call)
    // The fake documents carry the pod's UID as their payload.
    const key = call.request.attestationData?.split('.')[1] ?? ''
    const running = (this.#running.get(key) ?? 0) + 1
    this.#running.set(key, running)
    this.concurrency.set(key, Math.max(running, this.concurrency.get(key) ?? 0))
    try {
      // The event loop turns, so that calls that may run together do.
      await new Promise((resolve) => setImmediate(resolve))
      return await this.#twist(call, honest)
    } finally {
      this.#running.set(key, (this.#running.get(key) ?? 1) - 1)
    }
  }

  async #issue(csr: string): Promise<InstanceIdentity> {
    const signed = await this.ca.sign(csr, { lifeMs: 24 * 3_600_000, notBefore: this.#now() })
    const { names } = readCertificate(signed.certPem)
    const instanceId = names.dns.map((name) => /^(.+)\.instanceid\.athenz\./.exec(name)?.[1]).find((id) => id !== undefined)
    this.#current.set(instanceId ?? '', signed.serial)
    return {
      instanceId: instanceId ?? '',
      x509Certificate: signed.certPem,
      x509CertificateSigner: this.ca.certPem,
      serviceToken: `v=S1;d=x;n=${signed.serial}`,
    }
  }
}
