/** Which public keys get a certificate. Decided from the bytes before anything is computed with them. */
import { createPublicKey } from 'node:crypto'

const RSA = { least: 2_048, most: 4_096, mostExponent: 2n ** 32n } as const
/** What comes before the point of a P-256 key, the curve by its name: explicit parameters could be those of any curve. */
const P256 = Buffer.from('3059301306072a8648ce3d020106082a8648ce3d03010703420004', 'hex')
const P256_LENGTH = P256.length + 64
/** The algorithm of an RSA key, which follows the four bytes of the outer header. */
const RSA_ALGORITHM = Buffer.from('300d06092a864886f70d0101010500', 'hex')

/** Whether the DER SubjectPublicKeyInfo is a P-256 key, or an RSA one that is neither weak nor costly. */
export function isStrong(spki: Uint8Array): boolean {
  const bytes = Buffer.from(spki)
  const isEc = bytes.length === P256_LENGTH && bytes.subarray(0, P256.length).equals(P256)
  const isRsa = bytes.subarray(4, 4 + RSA_ALGORITHM.length).equals(RSA_ALGORITHM)
  if (!isEc && !isRsa) return false
  try {
    const { asymmetricKeyDetails } = createPublicKey({ key: bytes, format: 'der', type: 'spki' })
    return isEc || isModest(asymmetricKeyDetails)
  } catch {
    return false
  }
}

function isModest({ modulusLength = 0, publicExponent = 0n }: { modulusLength?: number; publicExponent?: bigint } = {}): boolean {
  return modulusLength >= RSA.least && modulusLength <= RSA.most && publicExponent >= 3n && publicExponent < RSA.mostExponent
}
