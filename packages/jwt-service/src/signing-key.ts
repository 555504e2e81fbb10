import { createPrivateKey, type KeyObject } from 'node:crypto'
import { type DocumentHeader, documentAlgorithmOf } from '@pallas/identity'
import type { KeyFile } from '@pallas/service'

/** A key that signs documents, with the one algorithm that it is used with. */
export interface SigningKey extends Omit<KeyFile, 'text'> {
  readonly algorithm: DocumentHeader['alg']
  readonly key: KeyObject
}

/**
 * Reads a private key in PEM, PKCS#8, SEC1 or PKCS#1; undefined for anything else, for an encrypted and for a weak key.
 * What broke is not told on: a parser's error may quote what it could not read.
 */
export function parseSigningKey(pem: string): Pick<SigningKey, 'algorithm' | 'key'> | undefined {
  try {
    const key = createPrivateKey(pem)
    const algorithm = documentAlgorithmOf(key)
    return algorithm && { algorithm, key }
  } catch {
    return undefined
  }
}
