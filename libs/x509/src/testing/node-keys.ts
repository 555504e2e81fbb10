/** Keys of `node:crypto` in the forms that x509 takes, for tests. */
import { createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto'
import type { CsrKey } from '../csr.ts'
import type { SignatureScheme, Verify } from '../signed.ts'

export interface NodeKey extends CsrKey {
  readonly object: KeyObject
  /** PKCS#8 PEM. */
  readonly pem: string
}

export const nodeKey = (algorithm: 'ec-p256' | 'rsa' = 'ec-p256'): NodeKey =>
  nodeKeyOf(
    algorithm === 'rsa'
      ? generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
      : generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey,
  )

export const nodeKeyOf = (object: KeyObject): NodeKey => ({
  algorithm: object.asymmetricKeyType === 'rsa' ? 'rsa' : 'ec-p256',
  object,
  pem: object.export({ format: 'pem', type: 'pkcs8' }),
  spki: spkiOf(object),
  sign: async (data) => sign('sha256', data, object),
})

export const spkiOf = (key: KeyObject): Uint8Array => {
  const publicKey = key.type === 'private' ? createPublicKey(key) : key
  return publicKey.export({ format: 'der', type: 'spki' })
}

const HASHES: Readonly<Record<SignatureScheme, string>> = {
  'ecdsa-sha256': 'sha256',
  'ecdsa-sha384': 'sha384',
  'rsa-sha256': 'sha256',
  'rsa-sha384': 'sha384',
  'rsa-sha512': 'sha512',
}

/** False for anything malformed, and for a key of another kind than the scheme's. */
export const nodeVerify: Verify = async ({ scheme, spki, data, signature }) => {
  try {
    const key = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' })
    const kind = scheme.startsWith('rsa') ? 'rsa' : 'ec'
    return key.asymmetricKeyType === kind && verify(HASHES[scheme], data, key, signature)
  } catch {
    return false
  }
}
