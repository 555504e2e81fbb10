/** SubjectPublicKeyInfo: checked for its form, kept as bytes; what key it is, is for whoever verifies with it. */
import { type Der, writeDer } from './der.ts'
import { malformed } from './error.ts'
import { oidOf } from './oid.ts'
import { partsOf, TAG, wholeBitsOf } from './values.ts'

export function spkiBytes(der: Der | undefined): Uint8Array {
  const [algorithm, key, ...more] = partsOf(der, TAG.sequence)
  oidOf(partsOf(algorithm, TAG.sequence)[0])
  if (der === undefined || wholeBitsOf(key).length === 0 || more.length > 0) throw malformed('not a public key')
  return writeDer(der)
}
