/**
 * The agent's own certificate from ZTS, as for any pod: names by the kubelet's word, a new key, a check of what came back.
 * In place of a document it shows the service account token of its pod, read anew each time.
 */
import type { Keys } from '@pallas/host'
import { IdentityError, type NameRules, workloadOf } from '@pallas/identity'
import type { TokenSource } from '@pallas/kubernetes'
import { type Certificate, createCsr } from '@pallas/x509'
import type { Zts } from '@pallas/zts'
import type { CertificateCheck } from '../certificate-check.ts'
import type { AgentEvents } from '../events.ts'
import type { Pods } from '../pods.ts'
import { issuerError } from '../zts-refusal.ts'
import { claimedPodOf } from './claimed-pod.ts'

export interface OwnCredentials {
  readonly keyPem: string
  /** Leaf first, then its issuers. */
  readonly certPem: string
  readonly leaf: Certificate
}

export interface ObtainDeps {
  readonly token: TokenSource
  readonly pods: Pods
  /** The cluster's configuration as of now. */
  readonly cluster: () => NameRules & { readonly providerService: string }
  readonly keys: Pick<Keys, 'generate'>
  readonly zts: Pick<Zts, 'register'>
  readonly check: Pick<CertificateCheck, 'issued'>
  readonly events: Pick<AgentEvents, 'ztsCalled'>
  readonly lifeMs: number
}

/** Rejects with `IdentityError`. */
export type Obtain = (signal: AbortSignal) => Promise<OwnCredentials>

export function createObtain(deps: ObtainDeps): Obtain {
  const { pods, cluster, keys, zts, check, events, lifeMs } = deps
  return async (signal) => {
    const attestationData = await readToken(deps.token)
    const pod = await pods.settled(claimedPodOf(attestationData), signal)
    const rules = cluster()
    const { domain, service, names } = workloadOf(pod, rules)
    const key = await keys.generate()
    const csr = await createCsr(names, key)
    const wish = { provider: rules.providerService, domain, service, attestationData, csr, expiryMinutes: Math.floor(lifeMs / 60_000) }
    const namespace = rules.spiffeForm === 'trust-domain' ? { namespace: pod.namespace } : {}
    const { x509Certificate: cert, x509CertificateSigner: issuers } = await asked(() =>
      events.ztsCalled(() => zts.register({ ...wish, ...namespace }, signal)),
    )
    const leaf = await check.issued({ cert, issuers }, { names, spki: key.spki })
    return { keyPem: key.pem, certPem: `${cert.trimEnd()}\n${issuers}`, leaf }
  }
}

async function asked<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (cause) {
    throw issuerError(cause)
  }
}

/** No cache: the kubelet replaces the file in time, and what was refused may be there anew. */
export async function readToken(token: TokenSource): Promise<string> {
  try {
    return await token({ fresh: true })
  } catch (cause) {
    throw new IdentityError('TOKEN_UNAVAILABLE', 'the token of the agent cannot be read', {}, { cause })
  }
}
