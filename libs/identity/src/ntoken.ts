/**
 * N-tokens: signed statements `v=S1;d=<domain>;n=<service>;…;s=<signature>` by which an Athenz service proves itself
 * to ZTS.
 *
 * The signature is SHA-256 with RSA (PKCS#1 v1.5) or ECDSA (DER) over the text before `;s=`, in Yahoo's base64
 * (`spec/zts.md` 9). Times are seconds since the epoch.
 */
import { IdentityError } from './error.ts'

export interface NTokenClaims {
  readonly domain: string
  readonly service: string
  /** Hex of a few random bytes. */
  readonly salt: string
  readonly issuedAt: number
  readonly expiresAt: number
  /** Names the public key of the service. */
  readonly keyId: string
  readonly host?: string
  readonly ip?: string
  /** Set when not the service but ZTS or ZMS signed. */
  readonly keyService?: 'zts' | 'zms'
}

export interface NToken {
  readonly claims: NTokenClaims
  /** UTF-8 of the text that is signed. */
  readonly signedData: Uint8Array
  readonly signature: Uint8Array
}

export type NTokenFault = 'malformed' | 'not-yet-valid' | 'expired' | 'too-long-lived' | 'signature'

export type NTokenVerdict =
  | { readonly ok: true; readonly token: NToken }
  | { readonly ok: false; readonly fault: NTokenFault }

/** Yahoo's base64: the standard one with `.`, `_` and `-` for `+`, `/` and `=`. */
export const formatYBase64 = (bytes: Uint8Array): string =>
  bytes.toBase64().replace(/[+/=]/g, (c) => (c === '+' ? '.' : c === '/' ? '_' : '-'))

const YBASE64 = /^[A-Za-z0-9._]*-{0,2}$/

/** Undefined for anything that `formatYBase64` does not make. */
export function parseYBase64(text: string): Uint8Array | undefined {
  if (!YBASE64.test(text)) return undefined
  const standard = text.replace(/[._-]/g, (c) => (c === '.' ? '+' : c === '_' ? '/' : '='))
  try {
    return Uint8Array.fromBase64(standard, { lastChunkHandling: 'strict' })
  } catch {
    return undefined
  }
}

/** Throws `INTERNAL` for a claim that a token cannot hold. */
export async function buildNToken(
  claims: NTokenClaims,
  sign: (data: Uint8Array) => Promise<Uint8Array>,
): Promise<string> {
  const fields = {
    v: 'S1',
    d: claims.domain,
    n: claims.service,
    h: claims.host,
    a: claims.salt,
    t: claims.issuedAt,
    e: claims.expiresAt,
    k: claims.keyId,
    z: claims.keyService,
    i: claims.ip,
  }
  const texts = Object.entries(fields).flatMap(([key, value]) => (value === undefined ? [] : [`${key}=${value}`]))
  const unsigned = texts.join(';')
  const token = `${unsigned};s=${formatYBase64(await sign(new TextEncoder().encode(unsigned)))}`
  if (parseNToken(token) !== undefined) return token
  throw new IdentityError('INTERNAL', 'claims that no n-token can hold')
}

const MAX_LENGTH = 4_096
const FIELD = /^([a-z]{1,2})=([\x21-\x3a\x3c\x3e-\x7e]+)$/
const SECONDS = /^(0|[1-9]\d{0,11})$/
const HEX = /^[0-9a-fA-F]{1,16}$/

/** Undefined for anything that is not a service token signed once: user tokens and second signatures are not taken. */
export function parseNToken(text: string): NToken | undefined {
  const cut = text.lastIndexOf(';s=')
  const fields = text.length > MAX_LENGTH || cut < 0 ? undefined : readFields(text.slice(0, cut))
  const signature = parseYBase64(text.slice(cut + 3))
  if (fields === undefined || signature === undefined || signature.length === 0) return undefined
  const claims = claimsOf(fields)
  return claims && { claims, signedData: new TextEncoder().encode(text.slice(0, cut)), signature }
}

function readFields(text: string): ReadonlyMap<string, string> | undefined {
  const pairs = text.split(';').map((field) => FIELD.exec(field))
  const fields = new Map(pairs.map((pair) => [pair?.[1] ?? '', pair?.[2] ?? '']))
  return fields.size === pairs.length && !fields.has('') && KEYS.isSupersetOf(fields) ? fields : undefined
}

/** `b` and `o` are read by ZTS and mean nothing to us. */
const KEYS: ReadonlySet<string> = new Set('vdnhatekzibo')

function claimsOf(fields: ReadonlyMap<string, string>): NTokenClaims | undefined {
  const [domain, service, salt] = [fields.get('d'), fields.get('n'), fields.get('a')]
  const [host, ip, keyService] = [fields.get('h'), fields.get('i'), fields.get('z')]
  const [issuedAt, expiresAt] = [fields.get('t') ?? '', fields.get('e') ?? '']
  if (fields.get('v') !== 'S1' || domain === undefined || service === undefined) return undefined
  if (salt === undefined || !HEX.test(salt) || !SECONDS.test(issuedAt) || !SECONDS.test(expiresAt)) return undefined
  if (keyService !== undefined && keyService !== 'zts' && keyService !== 'zms') return undefined
  return {
    domain,
    service,
    salt,
    issuedAt: Number(issuedAt),
    expiresAt: Number(expiresAt),
    keyId: fields.get('k') ?? '0',
    ...(host === undefined ? {} : { host }),
    ...(ip === undefined ? {} : { ip }),
    ...(keyService === undefined ? {} : { keyService }),
  }
}

const MAX_SKEW_SECONDS = 300
const MAX_LIFE_SECONDS = 30 * 24 * 3_600

/** As ZTS judges a token: times within its bounds, then the signature by the key that the claims name. */
export async function verifyNToken(
  text: string,
  nowSeconds: number,
  verify: (token: NToken) => Promise<boolean>,
): Promise<NTokenVerdict> {
  const token = parseNToken(text)
  if (token === undefined) return { ok: false, fault: 'malformed' }
  const { issuedAt, expiresAt } = token.claims
  if (issuedAt > nowSeconds + MAX_SKEW_SECONDS) return { ok: false, fault: 'not-yet-valid' }
  if (expiresAt < nowSeconds) return { ok: false, fault: 'expired' }
  if (expiresAt > nowSeconds + MAX_LIFE_SECONDS + MAX_SKEW_SECONDS) return { ok: false, fault: 'too-long-lived' }
  return (await verify(token)) ? { ok: true, token } : { ok: false, fault: 'signature' }
}
