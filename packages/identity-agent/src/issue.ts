/**
 * From an attested pod to its credentials: document, CSR, ZTS, and a check of what came back.
 *
 * The caller's key and first issues register with a fresh document. Only the original form, with the newest pair of the
 * pod, is a ZTS refresh; when ZTS no longer knows that lineage it is registered once.
 */
import { createHash } from 'node:crypto'
import type { Clock, Keys } from '@pallas/host'
import type { Pace } from '@pallas/service'
import { type CredentialsAnswer, credentialsAnswer, type KeyWish, type Pair } from '@pallas/wire'
import { createCsr } from '@pallas/x509'
import { type InstanceIdentity, type Zts, ZtsError } from '@pallas/zts'
import type { CertificateCheck } from './certificate-check.ts'
import type { Contexts } from './contexts.ts'
import { checkCsr } from './csr-check.ts'
import type { Documents } from './documents.ts'
import type { AgentEvents } from './events.ts'
import type { InFlight } from './in-flight.ts'
import { isOutage, lastGood } from './last-good.ts'
import { openPair, staleness } from './lineage.ts'
import type { MakeKey } from './make-key.ts'
import { remember } from './record.ts'
import type { Subject, Subjects } from './subjects.ts'
import type { Volume } from './volume-trust.ts'
import { freshly, issuerError } from './zts-refusal.ts'

/** What the agent asks of ZTS. */
export type IssuingZts = Pick<Zts, 'register' | 'refresh'>

export interface IssueDeps {
  readonly documents: Documents
  readonly zts: IssuingZts
  readonly keys: Keys
  readonly makeKey: MakeKey
  readonly check: CertificateCheck
  readonly contexts: Contexts
  /** All volumes of a pod: the lineage is the pod's, however many it has. */
  readonly volumesOf: (uid: string) => Promise<readonly Volume[]>
  /** Who the caller is by now; rejects when it may have no identity any more. */
  readonly subjects: Subjects
  readonly inFlight: InFlight<Subject>
  /** Where keys and CSRs are computed with, everybody in turn: what that costs is the caller's choice. */
  readonly computing: InFlight<Subject>
  readonly pace: Pace
  readonly namespacePace: Pace
  readonly events: AgentEvents
  readonly clock: Clock
  readonly lifeMs: number
  /** The cluster's configuration as of now. */
  readonly cluster: () => IssuingRules
}

export interface IssuingRules {
  /** Fully qualified Athenz service of the callback. */
  readonly provider: string
  /** Bundle for an answer of ZTS that brings none. */
  readonly roots: string
  /** Send the namespace, by which ZTS checks a trust-domain URI. */
  readonly sendNamespace: boolean
}

export interface IssueRequest {
  readonly subject: Subject
  readonly action: 'init' | 'refresh'
  readonly wish: KeyWish
  /** For the log: of callers that share an answer, the first. */
  readonly requestId: string
}

/** Rejects with `IdentityError`. `signal` is the agent's own: what is shared does not end with one caller. */
export type Issue = (request: IssueRequest, signal: AbortSignal) => Promise<CredentialsAnswer>

/** What ZTS is to certify. */
interface Order extends Pick<IssueRequest, 'subject' | 'requestId'> {
  readonly csr: string
  readonly spki: Uint8Array
  /** Only where the agent made the key. */
  readonly keyPem?: string
}

export function createIssue(deps: IssueDeps): Issue {
  const { keys, makeKey, check, contexts, volumesOf, subjects, inFlight, computing, pace, namespacePace, events, clock, cluster } = deps
  const ask = createAsk(deps)
  let unshared = 0
  const share = () => `unshared ${(unshared += 1)}`

  async function withAgentKey({ subject, requestId }: IssueRequest, previous: Pair | undefined, signal: AbortSignal) {
    const pair = previous === undefined ? undefined : await openPair(previous, keys)
    const { key, pem: keyPem } = await computing.run(subject, share(), makeKey)
    const csr = await createCsr(subject.workload.names, key)
    const order = { subject, requestId, csr, spki: key.spki, keyPem }
    if (previous === undefined || pair === undefined) return ask.register(order, signal)
    // Read again: whoever was ahead in the queue has moved the record, in this volume or another of the pod.
    const held = await contexts.newest(await volumesOf(subject.pod.uid))
    const { provider } = cluster()
    const stale = await staleness({ pair, held, workload: subject.workload, provider, now: clock.now() }, check)
    if (stale === undefined) return ask.refresh(order, previous, signal)
    events.lineageStale(subject, stale)
    return ask.register(order, signal)
  }

  /** While nothing can be issued, what was issued for this very key. */
  async function withPodKey(order: Order, action: IssueRequest['action'], signal: AbortSignal) {
    try {
      return await ask.register(order, signal)
    } catch (error) {
      if (!isOutage(error)) throw error
      // Asked again: the queue and the outage may have outlived the pod.
      const subject = await subjects.of(order.subject.volume, action, signal)
      const held = await contexts.read(subject.volume)
      const { provider, roots } = cluster()
      const facts = { held, workload: subject.workload, spki: order.spki, action, provider, roots, now: clock.now() }
      const known = await lastGood(facts, check)
      if (known === undefined) throw error
      events.identityRepeated(subject, known.leaf, error.code)
      return credentialsAnswer({ ntoken: '', certPem: known.certPem, caPem: known.caPem })
    }
  }

  return async (request, signal) => {
    const { subject, action, wish, requestId } = request
    const { instanceId, names } = subject.workload
    const queue = (shared: string, task: () => Promise<CredentialsAnswer>) =>
      inFlight.run(subject, shared, async () => {
        pace.take(instanceId)
        namespacePace.take(subject.namespace)
        return task()
      })
    if (wish.origin === 'agent') return queue(share(), () => withAgentKey(request, wish.previous, signal))
    const spki = await computing.run(subject, share(), () => checkCsr(wish.csr, names, (it) => keys.verify(it)))
    const sameKey = JSON.stringify([action, fingerprintOf(spki), names])
    return queue(sameKey, () => withPodKey({ subject, requestId, csr: wish.csr, spki }, action, signal))
  }
}

interface Ask {
  register(order: Order, signal: AbortSignal): Promise<CredentialsAnswer>
  refresh(order: Order, previous: Pair, signal: AbortSignal): Promise<CredentialsAnswer>
}

/** The two calls of ZTS, each with its document and its check. */
function createAsk(deps: IssueDeps): Ask {
  const { documents, zts, check, events, clock, lifeMs, cluster } = deps
  const expiryMinutes = Math.floor(lifeMs / 60_000)

  async function certify(order: Order, call: 'register' | 'refresh', signal: AbortSignal, previous?: Pair) {
    const { workload, pod } = order.subject
    const { domain, service, instanceId, names } = workload
    const { provider, roots, sendNamespace } = cluster()
    const began = clock.monotonic()
    const { text: attestationData, jti } = await documents.sign(pod, workload, signal)
    const namespace = sendNamespace ? { namespace: pod.namespace } : {}
    const wish = { provider, domain, service, attestationData, csr: order.csr, token: true, expiryMinutes, ...namespace }
    const identity = await events.ztsCalled(() =>
      previous === undefined
        ? zts.register(wish, signal)
        : zts.refresh({ ...wish, instanceId, credentials: previous }, signal),
    )
    const cert = await check.issued(partsOf(identity), { names, spki: order.spki })
    const podHoldsKey = order.keyPem === undefined
    await remember({ subject: order.subject, provider, identity, leaf: cert, podHoldsKey }, deps)
    const durationMs = clock.monotonic() - began
    const origin = podHoldsKey ? 'pod' : 'agent'
    const { serial, notAfter } = cert
    events.identityIssued(order.subject, { serial, notAfter, call, origin, durationMs, jti, requestId: order.requestId })
    return answerOf(identity, order.keyPem, roots)
  }

  async function register(order: Order, signal: AbortSignal): Promise<CredentialsAnswer> {
    try {
      return await freshly(() => certify(order, 'register', signal))
    } catch (cause) {
      throw issuerError(cause)
    }
  }

  return {
    register,
    async refresh(order, previous, signal) {
      try {
        return await freshly(() => certify(order, 'refresh', signal, previous))
      } catch (cause) {
        if (!(cause instanceof ZtsError) || cause.code !== 'ZTS_REVOKED') throw issuerError(cause)
        events.lineageStale(order.subject, 'revoked')
        return register(order, signal)
      }
    },
  }
}

const partsOf = ({ x509Certificate, x509CertificateSigner }: InstanceIdentity) => ({
  cert: x509Certificate,
  issuers: x509CertificateSigner,
})

const answerOf = (identity: InstanceIdentity, keyPem: string | undefined, roots: string): CredentialsAnswer =>
  credentialsAnswer({
    ntoken: identity.serviceToken ?? '',
    ...(keyPem === undefined ? {} : { keyPem }),
    certPem: identity.x509Certificate,
    caPem: identity.x509CertificateSigner || roots,
  })

const fingerprintOf = (spki: Uint8Array): string => createHash('sha256').update(spki).digest('hex')
