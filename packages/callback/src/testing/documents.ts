/** Documents as a signer makes them, and as a forger would. */
import { createHmac, generateKeyPairSync, type KeyObject, randomUUID, sign } from 'node:crypto'
import { DOCUMENT_AUDIENCE, type DocumentClaims, formatSubject, type Pod } from '@pallas/identity'
import { aPod } from '@pallas/identity/testing'

export const KEY_NAME = 'athenz-init-secret'
export const KEY_ID = `${KEY_NAME}.v1`
export const KEY_URI = `secret:${KEY_NAME}?version=v1`

export interface KeyPair {
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
  /** SubjectPublicKeyInfo. */
  readonly publicPem: string
}

const pairOf = ({ privateKey, publicKey }: { privateKey: KeyObject; publicKey: KeyObject }): KeyPair => ({
  privateKey,
  publicKey,
  publicPem: publicKey.export({ type: 'spki', format: 'pem' }),
})

export const ecKeyPair = (namedCurve = 'P-256'): KeyPair => pairOf(generateKeyPairSync('ec', { namedCurve }))
export const rsaKeyPair = (modulusLength = 2_048): KeyPair => pairOf(generateKeyPairSync('rsa', { modulusLength }))

/** The claims of a good document for the pod, five minutes long. `now` in epoch milliseconds. */
export function claimsFor(now: number, pod: Pod = aPod(), other: Partial<DocumentClaims> = {}): DocumentClaims {
  const iat = Math.floor(now / 1_000)
  const sub = formatSubject({
    namespace: pod.namespace,
    name: pod.name,
    domain: 'media.on-air',
    service: pod.serviceAccount,
    ip: pod.ip,
  })
  const times = { iat, nbf: iat, exp: iat + 300 }
  const who = { sub, jti: randomUUID(), node: pod.node, uid: pod.uid }
  return { aud: DOCUMENT_AUDIENCE, iss: KEY_URI, ...times, ...who, ...other }
}

export const goodHeader = { alg: 'ES256', typ: 'JWT', kid: KEY_ID, iss: KEY_URI } as const

export const segment = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')

/** Header and claims may be text, to say what no serializer would. */
export function es256(privateKey: KeyObject, claims: unknown, header: unknown = goodHeader): string {
  const signed = `${segment(header)}.${segment(claims)}`
  const signature = sign('sha256', Buffer.from(signed), { key: privateKey, dsaEncoding: 'ieee-p1363' })
  return `${signed}.${signature.toString('base64url')}`
}

/** With any digest and key type, DER for EC: `rs256`, and what a confused signer would make. */
export function signedWith(digest: string, privateKey: KeyObject, claims: unknown, header: unknown): string {
  const signed = `${segment(header)}.${segment(claims)}`
  return `${signed}.${sign(digest, Buffer.from(signed), privateKey).toString('base64url')}`
}

/** A MAC made with a text that everyone knows: the public key's. */
export function hs256(secret: string, claims: unknown, header: unknown): string {
  const signed = `${segment(header)}.${segment(claims)}`
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`
}
