/** What is kept of an identity that was issued: the newest certificate of the pod, whole where the pod holds its key. */
import type { InstanceIdentity } from '@pallas/zts'
import type { Certificate } from '@pallas/x509'
import type { Contexts } from './contexts.ts'
import type { AgentEvents } from './events.ts'
import type { Subject } from './subjects.ts'

export interface RecordDeps {
  readonly contexts: Pick<Contexts, 'write'>
  readonly events: Pick<AgentEvents, 'contextNotSaved'>
}

export interface Issued {
  readonly subject: Subject
  readonly provider: string
  readonly identity: InstanceIdentity
  readonly leaf: Pick<Certificate, 'serial' | 'notAfter'>
  readonly podHoldsKey: boolean
}

/** What would not be read again is not written. */
const LONGEST = 48 * 1_024

/** Never rejects: without the record only the lineage is lost. */
export async function remember(issued: Issued, { contexts, events }: RecordDeps): Promise<void> {
  const { subject, provider, identity, leaf, podHoldsKey } = issued
  const { domain, service, instanceId } = subject.workload
  const certificate = { cert: identity.x509Certificate, ca: identity.x509CertificateSigner }
  const whole = podHoldsKey && certificate.cert.length + certificate.ca.length <= LONGEST
  const { serial, notAfter } = leaf
  const context = { provider, domain, service, instanceId, serial, notAfter, ...(whole ? { issued: certificate } : {}) }
  await contexts.write(subject.volume, context).catch((cause: unknown) => events.contextNotSaved(subject, cause))
}
