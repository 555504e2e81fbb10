/** The certificate that the initializer makes for itself, in memory, and the API server's trust in it. */
import { againAndAgain, type Clock } from '@pallas/runtime'
import type { TlsFiles } from '@pallas/service'
import type { BundleEvents } from './bundle-events.ts'
import type { BundleKeeper, Kept } from './bundle-keeper.ts'
import type { ServerClock } from './server-clock.ts'
import { makeServingPair, type ServingPair } from './serving-pair.ts'

export interface OwnCertificateOptions {
  readonly keep: BundleKeeper
  /** By which the API server calls. */
  readonly names: readonly string[]
  /** Which replica this is: no other one that lives has the same name. */
  readonly pod: string
  readonly lifeMs: number
  /** How long after each look at the bundle the next one comes. */
  readonly lookMs: number
  /** How long the bundle must have been seen to hold an authority before anything is served under it. */
  readonly settleMs: number
  readonly clock: Clock
  readonly serverClock: Pick<ServerClock, 'aheadMs' | 'problem'>
  readonly events: Pick<BundleEvents, 'certificateUsed' | 'clockCompared' | 'bundleRepaired' | 'bundleFailed' | 'bundleGood'>
}

export interface OwnCertificate extends TlsFiles {
  /** Why the API server may not trust what is served; undefined: it does, as far as was seen. */
  readonly problem: () => string | undefined
}

/**
 * Begins at once, trusted by nobody: `problem` says so until the bundle has held our authority for a while. At about half of its
 * life a next pair is made, and served once the bundle has held that authority as long; then the first one's leaves.
 */
export async function openOwnCertificate(options: OwnCertificateOptions): Promise<OwnCertificate> {
  const { clock } = options
  const rotation = new Rotation(options, await pairOf(options))
  const running = againAndAgain({ clock, pauseMs: () => rotation.pauseMs(), work: (signal) => rotation.look(signal), begin: 'working' })
  return {
    current: () => ({ key: rotation.current.key, cert: rotation.current.cert, ca: [] }),
    notAfter: () => rotation.current.notAfter,
    onChange: (listener) => rotation.onChange(listener),
    isUnusable: () => false,
    reload: async () => undefined,
    problem: () => rotation.problem ?? options.serverClock.problem(),
    async [Symbol.asyncDispose]() {
      await running[Symbol.asyncDispose]()
      await rotation.leave()
    },
  }
}

const UNTRUSTED = 'the api server has not had the time to learn of the own authority'
/** How long the end may take: what is left in the bundle expires. */
const FAREWELL_MS = 2_000
const SHORTEST_PAUSE_MS = 20

class Rotation {
  current: ServingPair
  problem: string | undefined = UNTRUSTED
  readonly #options: OwnCertificateOptions
  readonly #listeners = new Set<() => void>()
  #next: ServingPair | undefined
  /** No longer served, and still trusted for who was told of it just now. */
  #past: { readonly pair: ServingPair; readonly until: number } | undefined
  /** Authorities of ours that may leave the bundle. */
  #retired: readonly string[] = []
  /** Since when the bundle has held all that it must. */
  #since: number | undefined
  #isTrusted = false
  #isStart = true
  #renewAt: number

  constructor(options: OwnCertificateOptions, first: ServingPair) {
    this.#options = options
    this.current = first
    this.#renewAt = renewalOf(options)
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  pauseMs(): number {
    const { clock, lookMs, settleMs } = this.#options
    const isSettling = this.#since !== undefined && (!this.#isTrusted || this.#next !== undefined)
    const waits = [lookMs, ...(isSettling ? [(this.#since ?? 0) + settleMs - clock.now()] : [])]
    return Math.max(SHORTEST_PAUSE_MS, Math.min(...waits))
  }

  async look(signal: AbortSignal): Promise<void> {
    const { keep, pod } = this.#options
    await this.#prepare()
    const retired = this.#retired
    const kept = await keep({ wanted: this.#wanted(), retired, formerOf: this.#isStart ? pod : undefined }, signal)
    this.#options.events.clockCompared(this.#options.serverClock.aheadMs())
    if (kept.kind === 'failed') return this.#fail(kept)
    this.#isStart = false
    this.#retired = this.#retired.filter((it) => !retired.includes(it))
    this.#seen(kept.added)
  }

  /** What others may forget of this replica, when it is gone. */
  async leave(): Promise<void> {
    const retired = [...this.#wanted(), ...this.#retired]
    await this.#options.keep({ wanted: [], retired }, AbortSignal.timeout(FAREWELL_MS)).catch(() => undefined)
  }

  async #prepare(): Promise<void> {
    const { clock, lifeMs } = this.#options
    const now = clock.now()
    if (this.#past !== undefined && now >= this.#past.until) {
      this.#retired = [...this.#retired, this.#past.pair.authority]
      this.#past = undefined
    }
    // It waited through an outage, and would have to be renewed itself.
    const isStale = this.#next !== undefined && now >= this.#next.madeAt + lifeMs / 2
    if (!isStale && (this.#next !== undefined || now < this.#renewAt)) return
    if (this.#next !== undefined) this.#retired = [...this.#retired, this.#next.authority]
    this.#next = await pairOf(this.#options)
    this.#since = undefined
  }

  #wanted(): string[] {
    return [this.current, this.#next, this.#past?.pair].flatMap((pair) => (pair === undefined ? [] : [pair.authority]))
  }

  #fail(kept: Extract<Kept, { kind: 'failed' }>): void {
    // What was trusted and is there still, as far as anybody knows, is trusted.
    if (!this.#isTrusted || kept.isLacking === true) this.problem = kept.problem
    this.#options.events.bundleFailed(kept)
  }

  #seen(added: number): void {
    const { clock, settleMs, events } = this.#options
    const now = clock.now()
    if (added > 0 && this.#since !== undefined) events.bundleRepaired()
    if (added > 0 || this.#since === undefined) this.#since = now
    events.bundleGood()
    this.problem = this.#isTrusted ? undefined : UNTRUSTED
    if (now >= this.#since + settleMs) this.#settled(now)
  }

  #settled(now: number): void {
    const { settleMs, events } = this.#options
    const isFirst = !this.#isTrusted
    this.#isTrusted = true
    this.problem = undefined
    if (this.#next !== undefined) {
      this.#past = { pair: this.current, until: now + settleMs }
      this.current = this.#next
      this.#next = undefined
      this.#renewAt = renewalOf(this.#options, this.current.madeAt)
      for (const listener of this.#listeners) listener()
    } else if (!isFirst) return
    events.certificateUsed(this.current)
  }
}

const pairOf = ({ names, pod, lifeMs, clock }: OwnCertificateOptions): Promise<ServingPair> => makeServingPair({ names, pod, lifeMs, now: clock.now() })

/** At half of life, give or take a tenth, so that replicas of one age do not come together. */
const renewalOf = ({ clock, lifeMs }: OwnCertificateOptions, madeAt = clock.now()): number => madeAt + lifeMs * (0.4 + 0.2 * clock.random())
