/** Keys of the original form: made by the agent for a pod, handed out once, kept nowhere. */
import { createPrivateKey, generateKeyPair } from 'node:crypto'
import { promisify } from 'node:util'
import type { Keys, PrivateKey } from '@pallas/host'

export interface MadeKey {
  readonly key: PrivateKey
  /**
   * What the pod gets: PKCS#8 (`PRIVATE KEY`) for P-256; PKCS#1 (`RSA PRIVATE KEY`) for RSA, the only form that all
   * consumers of the original read.
   */
  readonly pem: string
}

export type MakeKey = () => Promise<MadeKey>

export function keyMaker(algorithm: 'ec-p256' | 'rsa-2048', keys: Pick<Keys, 'generate' | 'import'>): MakeKey {
  return algorithm === 'ec-p256' ? () => makeP256(keys) : () => makeRsa(keys)
}

async function makeP256(keys: Pick<Keys, 'generate'>): Promise<MadeKey> {
  const key = await keys.generate()
  return { key, pem: key.pem }
}

/** The search for primes takes a tenth of a second and more: on a thread of its own. */
async function makeRsa(keys: Pick<Keys, 'import'>): Promise<MadeKey> {
  const { privateKey } = await promisify(generateKeyPair)('rsa', {
    modulusLength: 2_048,
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'der' },
  })
  const pkcs8 = createPrivateKey(privateKey).export({ type: 'pkcs8', format: 'pem' })
  return { key: await keys.import(pkcs8), pem: privateKey }
}
