/**
 * From an attested pod to its credentials: document, CSR, ZTS, and a check of what came back.
 *
 * The caller's key and first issues register with a fresh document. Only the original form, with the newest pair of the
 * pod, is a ZTS refresh; when ZTS no longer knows that lineage it is registered once.
 */
import { createHash } from 'node:crypto'
import type { Clock, Keys } from '@pallas/host'
import { type CredentialsAnswer, credentialsAnswer, type KeyWish, type Pair } from '@pallas/wire'
import { createCsr } from '@pallas/x509'
import { type InstanceIdentity, type Zts, ZtsError } from '@pallas/zts'
import type { CertificateCheck } from './certificate-check.ts'
import type { Contexts } from './contexts.ts'
import { checkCsr } from './csr-check.ts'
import type { Documents } from './documents.ts'
import type { AgentEvents } from './events.ts'
import type { InFlight } from './in-flight.ts'
import { openPair, staleness } from './lineage.ts'
import type { Pace } from './pace.ts'
import type { Subject } from './subjects.ts'
import { issuerError } from './zts-refusal.ts'

export interface IssueDeps {
  readonly documents: Documents
  readonly zts: Pick<Zts, 'register' | 'refresh'>
  readonly keys: Keys
  readonly check: CertificateCheck
  readonly contexts: Contexts
  readonly inFlight: InFlight
  /** Where CSRs are checked, each pod's in turn: what that costs is the caller's choice. */
  readonly checking: InFlight
  readonly pace: Pace
  readonly events: AgentEvents
  readonly clock: Clock
  /** Fully qualified Athenz service of the callback. */
  readonly provider: string
  /** Bundle for an answer of ZTS that brings none. */
  readonly roots: string
  readonly lifeMs: number
  /** Send the namespace, by which ZTS checks a trust-domain URI. */
  readonly sendNamespace: boolean
}

/** Rejects with `IdentityError`. `signal` is the agent's own: what is shared does not end with one caller. */
export type Issue = (subject: Subject, wish: KeyWish, signal: AbortSignal) => Promise<CredentialsAnswer>

/** What ZTS is to certify. */
interface Order {
  readonly subject: Subject
  readonly csr: string
  readonly spki: Uint8Array
  /** Only where the agent made the key. */
  readonly keyPem?: string
}

export function createIssue(deps: IssueDeps): Issue {
  const { keys, check, contexts, inFlight, checking, pace, events, clock, provider } = deps
  const ask = createAsk(deps)
  let unshared = 0
  const share = () => `unshared ${(unshared += 1)}`

  async function withAgentKey(subject: Subject, previous: Pair | undefined, signal: AbortSignal) {
    const pair = previous === undefined ? undefined : await openPair(previous, keys)
    const key = await keys.generate()
    const csr = await createCsr(subject.workload.names, key)
    const order = { subject, csr, spki: key.spki, keyPem: key.pem }
    if (previous === undefined || pair === undefined) return ask.register(order, signal)
    // Read again: whoever was ahead in the queue has moved the record.
    const held = await contexts.read(subject.volume)
    const stale = await staleness({ pair, held, workload: subject.workload, provider, now: clock.now() }, check)
    if (stale === undefined) return ask.refresh(order, previous, signal)
    events.lineageStale(subject, stale)
    return ask.register(order, signal)
  }

  return async (subject, wish, signal) => {
    const { instanceId, names } = subject.workload
    const queue = (shared: string, task: () => Promise<CredentialsAnswer>) =>
      inFlight.run(instanceId, shared, async () => {
        pace.take(instanceId)
        return task()
      })
    if (wish.origin === 'agent') return queue(share(), () => withAgentKey(subject, wish.previous, signal))
    const spki = await checking.run(instanceId, share(), () => checkCsr(wish.csr, names, (it) => keys.verify(it)))
    const sameKey = JSON.stringify([fingerprintOf(spki), names])
    return queue(sameKey, () => ask.register({ subject, csr: wish.csr, spki }, signal))
  }
}

interface Ask {
  register(order: Order, signal: AbortSignal): Promise<CredentialsAnswer>
  refresh(order: Order, previous: Pair, signal: AbortSignal): Promise<CredentialsAnswer>
}

/** The two calls of ZTS, each with its document and its check. */
function createAsk(deps: IssueDeps): Ask {
  const { documents, zts, check, contexts, events, clock, provider, roots, lifeMs, sendNamespace } = deps
  const expiryMinutes = Math.floor(lifeMs / 60_000)

  async function certify(order: Order, call: 'register' | 'refresh', signal: AbortSignal, previous?: Pair) {
    const { workload, pod, volume } = order.subject
    const { domain, service, instanceId, names } = workload
    const began = clock.monotonic()
    const attestationData = await documents.sign(pod, workload, signal)
    const namespace = sendNamespace ? { namespace: pod.namespace } : {}
    const wish = { provider, domain, service, attestationData, csr: order.csr, token: true, expiryMinutes, ...namespace }
    const identity = await events.ztsCalled(() =>
      previous === undefined
        ? zts.register(wish, signal)
        : zts.refresh({ ...wish, instanceId, credentials: previous }, signal),
    )
    const cert = await check.issued(partsOf(identity), { names, spki: order.spki })
    const { serial, notAfter } = cert
    await contexts
      .write(volume, { provider, domain, service, instanceId, serial, notAfter })
      .catch((cause: unknown) => events.contextNotSaved(order.subject, cause))
    const durationMs = clock.monotonic() - began
    const origin = order.keyPem === undefined ? 'pod' : 'agent'
    events.identityIssued(order.subject, { serial, notAfter, call, origin, durationMs })
    return answerOf(identity, order.keyPem, roots)
  }

  async function register(order: Order, signal: AbortSignal): Promise<CredentialsAnswer> {
    try {
      return await certify(order, 'register', signal)
    } catch (cause) {
      throw issuerError(cause)
    }
  }

  return {
    register,
    async refresh(order, previous, signal) {
      try {
        return await certify(order, 'refresh', signal, previous)
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
