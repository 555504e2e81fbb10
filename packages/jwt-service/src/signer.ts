import { sign } from 'node:crypto'
import { promisify } from 'node:util'
import { DOCUMENT_AUDIENCE, type DocumentClaims, type DocumentHeader } from '@pallas/identity'
import type { Clock } from '@pallas/runtime'
import type { SigningKey } from './signing-key.ts'

export interface SignerDeps {
  readonly newest: () => SigningKey
  readonly clock: Pick<Clock, 'now'>
  readonly lifeMs: number
  /** A new document id, unique in the fleet. */
  readonly newId: () => string
}

/** What a document says of its pod: `sub` is `formatSubject` of it. */
export type DocumentFacts = Pick<DocumentClaims, 'sub' | 'node' | 'uid'>

export interface SignedDocument {
  /** A JWT, RFC 7515 compact. */
  readonly document: string
  readonly jti: string
  readonly keyId: string
}

export type SignDocument = (facts: DocumentFacts) => Promise<SignedDocument>

/** Signs with the newest key; its type decides between ES256 and RS256. Throws `SIGNING_KEY_UNAVAILABLE`. */
export function createSigner({ newest, clock, lifeMs, newId }: SignerDeps): SignDocument {
  return async ({ sub, node, uid }) => {
    const key = newest()
    const iat = Math.floor(clock.now() / 1_000)
    const exp = iat + Math.floor(lifeMs / 1_000)
    const jti = newId()
    const header: DocumentHeader = { alg: key.algorithm, typ: 'JWT', kid: key.id, iss: key.uri }
    const claims: DocumentClaims = { aud: DOCUMENT_AUDIENCE, iss: key.uri, sub, iat, nbf: iat, exp, jti, node, uid }
    const signed = `${segmentOf(header)}.${segmentOf(claims)}`
    const signature = await signatureOf(Buffer.from(signed), key)
    return { document: `${signed}.${signature.toString('base64url')}`, jti, keyId: key.id }
  }
}

const segmentOf = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')

const signElsewhere = promisify(sign)

/** P-256 takes less time than handing the work to another thread; RSA would hold everyone up. */
async function signatureOf(data: Buffer, { algorithm, key }: SigningKey): Promise<Buffer> {
  switch (algorithm) {
    case 'ES256':
      return sign('sha256', data, { key, dsaEncoding: 'ieee-p1363' })
    case 'RS256':
      return signElsewhere('sha256', data, key)
  }
}
