/** A caller's CSR is taken only when it asks for exactly the names of its pod now, and proves the key. */
import type { Keys } from '@pallas/host'
import { IdentityError, type WorkloadNames } from '@pallas/identity'
import { type Csr, readCsr, sameNames, verifyCsr } from '@pallas/x509'
import { isStrong } from './key-strength.ts'

/** Longest CSR that is read: an RSA-4096 one with a handful of names is a third of it. */
const LIMIT = 8 * 1_024

/**
 * The public key that the CSR proves, DER. Throws `CSR_INVALID` for bytes that cannot be read, a broken signature, a weak
 * or costly key, or anything beyond subject and SANs; `CSR_NAMES_CHANGED` when the names are not those of the pod.
 */
export async function checkCsr(pem: string, names: WorkloadNames, verify: Keys['verify']): Promise<Uint8Array> {
  const csr = read(pem)
  if (csr.otherExtensions.length + csr.otherAttributes.length > 0) throw invalid('extensions')
  if (csr.subject.length !== 1) throw invalid('subject')
  if (!isStrong(csr.spki)) throw invalid('key')
  if (!(await verifyCsr(csr, verify))) throw invalid('signature')
  const differs = sameNames({ ...csr.names, commonName: csr.commonName }, names)
  if (differs === undefined) return csr.spki
  throw new IdentityError('CSR_NAMES_CHANGED', 'the names in the csr are not those of the pod now', { differs })
}

function read(pem: string): Csr {
  if (pem.length > LIMIT) throw invalid('length')
  try {
    return readCsr(pem)
  } catch (cause) {
    throw invalid('form', cause)
  }
}

const invalid = (why: string, cause?: unknown) =>
  new IdentityError('CSR_INVALID', 'not a csr that can be signed', { why }, cause === undefined ? {} : { cause })
