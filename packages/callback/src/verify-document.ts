/**
 * Whether a document is one of ours, whole and of now. What it says of the pod is for `confirm.ts` to compare.
 *
 * Every refusal is an `IdentityError` with a `DOCUMENT_*` reason. The algorithm follows from the key that `kid` names,
 * never from the header, which may only repeat it; claims are read from the verified bytes alone, and once.
 */
import { verify } from 'node:crypto'
import {
  DOCUMENT_AUDIENCE,
  DOCUMENT_MAX_LIFE_SECONDS,
  type DocumentClaims,
  formatKeyUri,
  IdentityError,
  parseKeyId,
  type ReasonCode,
} from '@pallas/identity'
import { isPodUid } from '@pallas/wire'
import { parseCompactJws } from './compact-jws.ts'
import { type FlatObject, parseFlatObject } from './flat-json.ts'
import type { PublicKey } from './public-key.ts'

export interface VerifyDocumentDeps {
  /** By `kid`; undefined for a key that is not published here. */
  readonly keyOf: (keyId: string) => PublicKey | undefined
  /** Epoch milliseconds. */
  readonly now: number
}

/** How far the clocks of signer and verifier may differ. */
export const CLOCK_SKEW_SECONDS = 30

const HEADER_MEMBERS: ReadonlySet<string> = new Set(['alg', 'typ', 'kid', 'iss'])

export function verifyDocument(document: string, { keyOf, now }: VerifyDocumentDeps): DocumentClaims {
  const jws = parseCompactJws(document)
  if (jws === undefined) throw refused('DOCUMENT_MALFORMED', 'not a compact jws')
  const { uri, key } = keyNamedBy(jws.header, keyOf)
  const genuine = signatureVerifies(jws.signed, jws.signature, key)
  if (!genuine) throw refused('DOCUMENT_SIGNATURE', 'signature does not verify')

  const claims = claimsOf(parseFlatObject(jws.payload))
  if (claims.iss !== uri) throw refused('DOCUMENT_ISSUER', 'the claims name another issuer than the header')
  checkTimes(claims, now / 1_000)
  return claims
}

/** An unknown header member, `crit` and `jwk` above all, could change what the signature means: refused. */
function keyNamedBy(header: FlatObject, keyOf: VerifyDocumentDeps['keyOf']): { uri: string; key: PublicKey } {
  const unknown = header.keys().find((name) => !HEADER_MEMBERS.has(name))
  if (unknown !== undefined) throw refused('DOCUMENT_MALFORMED', 'the header has a member that documents do not have')
  if ((header.get('typ') ?? 'JWT') !== 'JWT') throw refused('DOCUMENT_MALFORMED', 'the header is of another type')

  const keyId = textOf(header, 'kid')
  const name = parseKeyId(keyId)
  if (name === undefined) throw refused('DOCUMENT_KEY_UNKNOWN', 'not the name of a signing key')
  const uri = formatKeyUri(name)
  if (textOf(header, 'iss') !== uri) throw refused('DOCUMENT_ISSUER', 'the header names two keys')
  const key = keyOf(keyId)
  // Seen when private keys are published before their public ones: the log says which.
  if (key === undefined) throw refused('DOCUMENT_KEY_UNKNOWN', 'no such signing key here', { keyId })
  if (header.get('alg') !== key.algorithm) throw refused('DOCUMENT_ALGORITHM', 'not the algorithm of the signing key')
  return { uri, key }
}

/** ES256 is `r || s` (RFC 7518, 3.4), never DER; RS256 is RSASSA-PKCS1-v1_5. */
function signatureVerifies(signed: Uint8Array, signature: Uint8Array, { algorithm, key }: PublicKey): boolean {
  switch (algorithm) {
    case 'ES256':
      return verify('sha256', signed, { key, dsaEncoding: 'ieee-p1363' }, signature)
    case 'RS256':
      return verify('sha256', signed, key, signature)
  }
}

const JTI = /^[A-Za-z0-9_.:-]{8,128}$/
const NODE = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/

function claimsOf(payload: FlatObject | undefined): DocumentClaims {
  if (payload === undefined) throw refused('DOCUMENT_MALFORMED', 'the claims are not a flat json object')
  if (textOf(payload, 'aud') !== DOCUMENT_AUDIENCE) throw refused('DOCUMENT_AUDIENCE', 'made for another audience')
  return {
    aud: DOCUMENT_AUDIENCE,
    iss: textOf(payload, 'iss'),
    sub: textOf(payload, 'sub'),
    iat: secondsOf(payload, 'iat'),
    nbf: secondsOf(payload, 'nbf'),
    exp: secondsOf(payload, 'exp'),
    jti: textOf(payload, 'jti', (it) => JTI.test(it)),
    node: textOf(payload, 'node', (it) => NODE.test(it)),
    uid: textOf(payload, 'uid', isPodUid),
  }
}

function textOf(members: FlatObject, name: string, isOne: (text: string) => boolean = () => true): string {
  const value = members.get(name)
  if (typeof value === 'string' && value !== '' && isOne(value)) return value
  throw refused('DOCUMENT_MALFORMED', 'a member is missing or not of its form', { member: name })
}

function secondsOf(members: FlatObject, name: string): number {
  const value = members.get(name)
  if (typeof value === 'number' && value > 0) return value
  throw refused('DOCUMENT_MALFORMED', 'a time is missing or not a number of seconds', { member: name })
}

function checkTimes({ iat, nbf, exp }: DocumentClaims, now: number): void {
  if (exp <= Math.max(iat, nbf)) throw refused('DOCUMENT_MALFORMED', 'it ends before it begins')
  const life = exp - Math.min(iat, nbf)
  if (life > DOCUMENT_MAX_LIFE_SECONDS) throw refused('DOCUMENT_TOO_LONG_LIVED', 'its life is too long')
  if (Math.max(iat, nbf) > now + CLOCK_SKEW_SECONDS) throw refused('DOCUMENT_NOT_YET_VALID', 'it is from the future')
  if (exp + CLOCK_SKEW_SECONDS <= now) throw refused('DOCUMENT_EXPIRED', 'it has expired')
}

const refused = (code: ReasonCode, message: string, fields: Record<string, unknown> = {}) =>
  new IdentityError(code, message, fields)
