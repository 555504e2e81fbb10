/**
 * May a caller's previous pair be shown to ZTS? Only the newest one of this very pod: ZTS answers a superseded certificate
 * by revoking the instance (spec/zts-recorded.md 5). Everything else is registered anew.
 */
import { createPublicKey } from 'node:crypto'
import type { Keys, PrivateKey } from '@pallas/host'
import { IdentityError, type Workload } from '@pallas/identity'
import type { Pair, VolumeContext } from '@pallas/wire'
import { type Certificate, readCertificates, sameBytes } from '@pallas/x509'
import type { CertificateCheck } from './certificate-check.ts'
import { isStrong } from './key-strength.ts'

export type Stale = 'no-record' | 'other-instance' | 'old-serial' | 'expired' | 'other-names' | 'not-ours'

export interface OpenPair {
  readonly leaf: Certificate
  readonly issuers: readonly Certificate[]
}

/**
 * Throws `CREDENTIALS_INVALID` for a pair that cannot be read, does not belong together, or has a key that gets no
 * certificate. The private key is computed with only when all else is right.
 */
export async function openPair({ keyPem, certPem }: Pair, keys: Pick<Keys, 'import'>): Promise<OpenPair> {
  const [leaf, ...issuers] = certificatesOf(certPem)
  if (leaf === undefined || !isStrong(leaf.spki)) throw invalid('not a certificate of a key that is taken')
  if (!sameBytes(leaf.spki, publicHalfOf(keyPem))) throw invalid('key and certificate do not match')
  await importKey(keyPem, keys)
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

/** As the key file says: whether that is true shows only when the key is used. */
function publicHalfOf(pem: string): Uint8Array {
  try {
    return createPublicKey(pem).export({ type: 'spki', format: 'der' })
  } catch {
    throw invalid('the key cannot be read')
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
