/**
 * May a caller's previous pair be shown to ZTS? Only the newest one of this very pod: ZTS answers a superseded certificate
 * by revoking the instance (spec/zts-recorded.md 5). Everything else is registered anew.
 */
import type { Keys, PrivateKey } from '@pallas/host'
import { IdentityError, type Workload } from '@pallas/identity'
import type { Pair, VolumeContext } from '@pallas/wire'
import { type Certificate, readCertificates, sameBytes } from '@pallas/x509'
import type { CertificateCheck } from './certificate-check.ts'

export type Stale = 'no-record' | 'other-instance' | 'old-serial' | 'expired' | 'other-names' | 'not-ours'

export interface OpenPair {
  readonly leaf: Certificate
  readonly issuers: readonly Certificate[]
}

/** Throws `CREDENTIALS_INVALID` for a pair that cannot be read or does not belong together. */
export async function openPair({ keyPem, certPem }: Pair, keys: Pick<Keys, 'import'>): Promise<OpenPair> {
  const [leaf, ...issuers] = certificatesOf(certPem)
  const key = await importKey(keyPem, keys)
  if (leaf === undefined || !sameBytes(leaf.spki, key.spki)) throw invalid('key and certificate do not match')
  return { leaf, issuers }
}

export interface LineageFacts {
  readonly pair: OpenPair
  readonly held: VolumeContext | undefined
  readonly workload: Workload
  readonly provider: string
  readonly now: number
}

/** Why the pair is not the head of the pod's lineage; undefined when it is. */
export async function staleness(facts: LineageFacts, check: CertificateCheck): Promise<Stale | undefined> {
  const { pair, held, workload, provider, now } = facts
  if (held === undefined) return 'no-record'
  const { domain, service, instanceId } = workload
  if (held.instanceId !== instanceId || held.domain !== domain || held.service !== service) return 'other-instance'
  if (held.provider !== provider) return 'other-instance'
  if (pair.leaf.serial !== held.serial) return 'old-serial'
  if (pair.leaf.notAfter <= now) return 'expired'
  if (pair.leaf.commonName !== workload.names.commonName) return 'other-names'
  return (await check.trusted(pair.leaf, pair.issuers)) ? undefined : 'not-ours'
}

function certificatesOf(pem: string): readonly Certificate[] {
  try {
    return readCertificates(pem)
  } catch {
    throw invalid('the certificate cannot be read')
  }
}

async function importKey(pem: string, keys: Pick<Keys, 'import'>): Promise<PrivateKey> {
  try {
    return await keys.import(pem)
  } catch {
    // The cause may quote the key.
    throw invalid('the key cannot be read')
  }
}

const invalid = (message: string) => new IdentityError('CREDENTIALS_INVALID', message)
