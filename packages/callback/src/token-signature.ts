/** Whether the API server's key signed a token, before anything is spent on what it says. */
import { verify } from 'node:crypto'
import type { TokenAlgorithm, TokenKey } from '@pallas/kubernetes'
import type { CompactJws } from './compact-jws.ts'

const DIGEST: Readonly<Record<TokenAlgorithm, string>> = { RS256: 'sha256', ES256: 'sha256', ES384: 'sha384', ES512: 'sha512' }

/** With the one algorithm that is used with a key of that kind; a header that names another one is a forger's. */
export function isSignedWith({ algorithm, key }: TokenKey, { header, signed, signature }: CompactJws): boolean {
  return header.get('alg') === algorithm && verify(DIGEST[algorithm], signed, { key, dsaEncoding: 'ieee-p1363' }, signature)
}
