import { createPublicKey, type KeyObject } from 'node:crypto'
import { type DocumentHeader, documentAlgorithmOf } from '@pallas/identity'
import { fromPem } from '@pallas/x509'

/** A key that verifies documents, with the one algorithm that it may be used with. */
export interface PublicKey {
  readonly algorithm: DocumentHeader['alg']
  readonly key: KeyObject
}

/**
 * Reads one PEM `PUBLIC KEY` (SubjectPublicKeyInfo); undefined for anything else, and for a weak key. A private key is
 * no public key here, although one could be derived: a verifier must not hold what signs.
 */
export function parsePublicKey(pem: string): PublicKey | undefined {
  try {
    const key = createPublicKey({ key: Buffer.from(fromPem(pem, 'PUBLIC KEY')), format: 'der', type: 'spki' })
    const algorithm = documentAlgorithmOf(key)
    return algorithm && { algorithm, key }
  } catch {
    return undefined
  }
}
