/** The key that signs the tokens of this ZTS, and the form in which `/oauth2/keys` shows it. */
import { createPublicKey, type KeyObject, sign } from 'node:crypto'
import { nodeKey } from '@pallas/x509/testing'

export interface SigningKey {
  readonly keyId: string
  readonly publicKey: KeyObject
  /** ECDSA in DER, as N-tokens and role tokens have it. */
  sign(data: Uint8Array): Promise<Uint8Array>
  /** A compact JWS; without `typ` its header has none. */
  signJws(claims: object, typ?: string): string
  /** Without `rfc` its curve has the name that Java gives it. */
  publicJwk(options: { readonly rfc: boolean }): object
}

const KEY_ID = '0'

export function createSigningKey(): SigningKey {
  const key = nodeKey()
  const publicKey = createPublicKey(key.object)
  return {
    keyId: KEY_ID,
    publicKey,
    sign: (data) => key.sign(data),
    signJws(claims, typ) {
      const header = { kid: KEY_ID, ...(typ === undefined ? {} : { typ }), alg: 'ES256' }
      const text = `${encoded(header)}.${encoded(claims)}`
      const signature = sign('sha256', Buffer.from(text), { key: key.object, dsaEncoding: 'ieee-p1363' })
      return `${text}.${signature.toString('base64url')}`
    },
    publicJwk({ rfc }) {
      const jwk = publicKey.export({ format: 'jwk' })
      return { ...jwk, ...(rfc ? {} : { crv: 'prime256v1' }), kid: KEY_ID, alg: 'ES256', use: 'sig' }
    },
  }
}

const encoded = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
