import { formatKeyUri, IdentityError } from '@pallas/identity'
import * as fc from 'fast-check'
import { SignJWT } from 'jose'
import { describe, expect, test } from 'vitest'
import { parsePublicKey } from './public-key.ts'
import {
  claimsFor,
  ecKeyPair,
  es256,
  goodHeader,
  hs256,
  KEY_ID,
  KEY_NAME,
  KEY_URI,
  rsaKeyPair,
  segment,
  signedWith,
} from './testing/documents.ts'
import { verifyDocument } from './verify-document.ts'

const NOW = Date.parse('2030-01-01T00:00:00Z')
const SECONDS = NOW / 1_000
const ec = ecKeyPair()
const other = ecKeyPair()
const rsa = rsaKeyPair()
const p384 = ecKeyPair('P-384')

const RSA_ID = `${KEY_NAME}.v2`
const RSA_URI = formatKeyUri({ name: KEY_NAME, version: 2 })
const rsaHeader = { alg: 'RS256', typ: 'JWT', kid: RSA_ID, iss: RSA_URI }

const published = new Map([[KEY_ID, parsePublicKey(ec.publicPem)], [RSA_ID, parsePublicKey(rsa.publicPem)]])
const verify = (document: string, now = NOW) => verifyDocument(document, { keyOf: (id) => published.get(id), now })

const good = claimsFor(NOW)
const without = (claim: keyof typeof good) => ({ ...good, [claim]: undefined })
const es = (claims: unknown, header: unknown = goodHeader) => es256(ec.privateKey, claims, header)

function reasonOf(document: string, now = NOW): string {
  try {
    verify(document, now)
    return 'OK'
  } catch (error) {
    return error instanceof IdentityError ? error.code : `thrown: ${String(error)}`
  }
}

describe('a document of ours', () => {
  test('signed with ES256 says what was signed (W25)', () => {
    expect(verify(es(good))).toEqual(good)
  })

  test('signed with RS256 says what was signed (C6)', () => {
    const claims = { ...good, iss: RSA_URI }
    expect(verify(signedWith('sha256', rsa.privateKey, claims, rsaHeader))).toEqual(claims)
  })

  test('signed by another implementation is understood', async () => {
    const document = await new SignJWT({ ...good }).setProtectedHeader(goodHeader).sign(ec.privateKey)
    expect(verify(document)).toEqual(good)
  })

  test('may leave out the type, and escape what a go program escapes', () => {
    const { typ: _typ, ...header } = goodHeader
    expect(verify(es(JSON.stringify(good).replaceAll('&', String.raw`\u0026`), header)).sub).toBe(good.sub)
  })

  test('may have further claims', () => {
    expect(verify(es({ ...good, extra: 'x' }))).toEqual(good)
  })
})

test('clocks may differ by thirty seconds, no more (W26)', () => {
  expect(reasonOf(es(good), NOW - 30_000)).toBe('OK')
  expect(reasonOf(es(good), NOW - 31_000)).toBe('DOCUMENT_NOT_YET_VALID')
  expect(reasonOf(es(good), NOW + 329_999)).toBe('OK')
  expect(reasonOf(es(good), NOW + 330_000)).toBe('DOCUMENT_EXPIRED')
})

describe('refused, each with its reason', () => {
  test.each<[string, string, string]>([
    [
      'alg none without signature',
      `${segment({ ...goodHeader, alg: 'none' })}.${segment(good)}.`,
      'DOCUMENT_MALFORMED',
    ],
    ['alg none with a signature', es(good, { ...goodHeader, alg: 'none' }), 'DOCUMENT_ALGORITHM'],
    ['HS256 with the public key', hs256(ec.publicPem, good, { ...goodHeader, alg: 'HS256' }), 'DOCUMENT_ALGORITHM'],
    [
      'HS256 with a leading-space PEM',
      hs256(` ${ec.publicPem}`, good, { ...goodHeader, alg: 'HS256' }),
      'DOCUMENT_ALGORITHM',
    ],
    ['an HMAC under the name of ES256', hs256(ec.publicPem, good, goodHeader), 'DOCUMENT_SIGNATURE'],
    ['alg in lower case', es(good, { ...goodHeader, alg: 'es256' }), 'DOCUMENT_ALGORITHM'],
    ['the original typo EC256', es(good, { ...goodHeader, alg: 'EC256' }), 'DOCUMENT_ALGORITHM'],
    ['no alg', es(good, { ...goodHeader, alg: undefined }), 'DOCUMENT_ALGORITHM'],
    [
      'ES256 with an RSA key',
      signedWith('sha256', rsa.privateKey, { ...good, iss: RSA_URI }, { ...rsaHeader, alg: 'ES256' }),
      'DOCUMENT_ALGORITHM',
    ],
    ['RS256 with an EC key', es(good, { ...goodHeader, alg: 'RS256' }), 'DOCUMENT_ALGORITHM'],
    [
      'PS256',
      signedWith('sha256', rsa.privateKey, { ...good, iss: RSA_URI }, { ...rsaHeader, alg: 'PS256' }),
      'DOCUMENT_ALGORITHM',
    ],
    ['ES384', signedWith('sha384', p384.privateKey, good, { ...goodHeader, alg: 'ES384' }), 'DOCUMENT_ALGORITHM'],
    [
      'an ES384 signature under the name of ES256',
      signedWith('sha384', p384.privateKey, good, goodHeader),
      'DOCUMENT_SIGNATURE',
    ],
    ['a DER signature', signedWith('sha256', ec.privateKey, good, goodHeader), 'DOCUMENT_SIGNATURE'],
    ['another key', es256(other.privateKey, good), 'DOCUMENT_SIGNATURE'],
    ['an empty signature', es(good).replace(/[^.]*$/, ''), 'DOCUMENT_MALFORMED'],
    [
      'a signature of zeros',
      `${segment(goodHeader)}.${segment(good)}.${segment('\0'.repeat(64))}`,
      'DOCUMENT_SIGNATURE',
    ],
    [
      'claims changed after signing',
      es(good).replace(/\.[^.]*\./, `.${segment({ ...good, uid: other.publicPem })}.`),
      'DOCUMENT_SIGNATURE',
    ],
    [
      'an unknown kid',
      es(good, { ...goodHeader, kid: `${KEY_NAME}.v9`, iss: `secret:${KEY_NAME}?version=v9` }),
      'DOCUMENT_KEY_UNKNOWN',
    ],
    [
      'a kid of another name',
      es(good, { ...goodHeader, kid: 'other.v1', iss: 'secret:other?version=v1' }),
      'DOCUMENT_KEY_UNKNOWN',
    ],
    ['a kid that is a path', es(good, { ...goodHeader, kid: '../../etc/passwd', iss: 'x' }), 'DOCUMENT_KEY_UNKNOWN'],
    [
      'a kid with a leading zero',
      es(good, { ...goodHeader, kid: `${KEY_NAME}.v01`, iss: KEY_URI }),
      'DOCUMENT_KEY_UNKNOWN',
    ],
    ['no kid', es(good, { ...goodHeader, kid: undefined }), 'DOCUMENT_MALFORMED'],
    ['a kid that is a number', es(good, { ...goodHeader, kid: 1 }), 'DOCUMENT_MALFORMED'],
    ['no iss in the header (W26)', es(good, { ...goodHeader, iss: undefined }), 'DOCUMENT_MALFORMED'],
    ['an iss in the header that is an object (W26)', es(good, { ...goodHeader, iss: {} }), 'DOCUMENT_MALFORMED'],
    ['a header that names two keys', es(good, { ...goodHeader, iss: RSA_URI }), 'DOCUMENT_ISSUER'],
    ['crit', es(good, { ...goodHeader, crit: 'exp' }), 'DOCUMENT_MALFORMED'],
    ['crit as an array', es(good, { ...goodHeader, crit: ['exp'] }), 'DOCUMENT_MALFORMED'],
    ['an embedded key', es(good, { ...goodHeader, jwk: other.publicPem }), 'DOCUMENT_MALFORMED'],
    ['a key URL', es(good, { ...goodHeader, jku: 'https://evil.example/' }), 'DOCUMENT_MALFORMED'],
    ['an unencoded payload', es(good, { ...goodHeader, b64: 0 }), 'DOCUMENT_MALFORMED'],
    ['another type', es(good, { ...goodHeader, typ: 'at+jwt' }), 'DOCUMENT_MALFORMED'],
    [
      'a header member twice',
      es(good, `{"alg":"none","alg":"ES256","typ":"JWT","kid":"${KEY_ID}","iss":"${KEY_URI}"}`),
      'DOCUMENT_MALFORMED',
    ],
    [
      'a claim twice',
      es(JSON.stringify(good).replace('{', '{"uid":"00000000-0000-0000-0000-000000000000",')),
      'DOCUMENT_MALFORMED',
    ],
    ['__proto__', es(JSON.stringify(good).replace('{', '{"__proto__":"x",')), 'DOCUMENT_MALFORMED'],
    ['nested claims', es({ ...good, nested: { a: 1 } }), 'DOCUMENT_MALFORMED'],
    ['deeply nested claims', es(`{"a":${'['.repeat(3_000)}${']'.repeat(3_000)}}`), 'DOCUMENT_MALFORMED'],
    ['claims that are no json', es('hello'), 'DOCUMENT_MALFORMED'],
    ['ten megabytes', es({ ...good, extra: 'x'.repeat(10_000_000) }), 'DOCUMENT_MALFORMED'],
    ['another audience', es({ ...good, aud: 'athenz-identityd' }), 'DOCUMENT_AUDIENCE'],
    ['an audience that only begins alike', es({ ...good, aud: `${good.aud} ` }), 'DOCUMENT_AUDIENCE'],
    ['an array as audience', es({ ...good, aud: [good.aud] }), 'DOCUMENT_MALFORMED'],
    ['no audience', es(without('aud')), 'DOCUMENT_MALFORMED'],
    ['another issuer in the claims', es({ ...good, iss: RSA_URI }), 'DOCUMENT_ISSUER'],
    ['no issuer in the claims', es(without('iss')), 'DOCUMENT_MALFORMED'],
    ['no exp (W26)', es(without('exp')), 'DOCUMENT_MALFORMED'],
    ['exp as a text', es({ ...good, exp: String(good.exp) }), 'DOCUMENT_MALFORMED'],
    ['exp in milliseconds', es({ ...good, exp: good.exp * 1_000 }), 'DOCUMENT_TOO_LONG_LIVED'],
    ['exp in the year 9999', es({ ...good, exp: 253_402_300_799 }), 'DOCUMENT_TOO_LONG_LIVED'],
    ['exp that overflows', es(JSON.stringify(good).replace(/"exp":\d+/, '"exp":1e400')), 'DOCUMENT_MALFORMED'],
    ['sixteen minutes of life', es({ ...good, exp: good.iat + 960 }), 'DOCUMENT_TOO_LONG_LIVED'],
    ['a life hidden before iat', es({ ...good, nbf: good.iat - 900 }), 'DOCUMENT_TOO_LONG_LIVED'],
    ['exp before iat', es({ ...good, exp: good.iat - 1 }), 'DOCUMENT_MALFORMED'],
    ['expired', es({ ...good, iat: SECONDS - 400, nbf: SECONDS - 400, exp: SECONDS - 100 }), 'DOCUMENT_EXPIRED'],
    ['no iat', es(without('iat')), 'DOCUMENT_MALFORMED'],
    ['iat in the future', es({ ...good, iat: SECONDS + 100, exp: SECONDS + 400 }), 'DOCUMENT_NOT_YET_VALID'],
    ['nbf in the future', es({ ...good, nbf: SECONDS + 100 }), 'DOCUMENT_NOT_YET_VALID'],
    ['no nbf', es(without('nbf')), 'DOCUMENT_MALFORMED'],
    ['a negative time', es({ ...good, nbf: -1 }), 'DOCUMENT_MALFORMED'],
    ['no jti', es(without('jti')), 'DOCUMENT_MALFORMED'],
    ['a jti that is too short to be unique', es({ ...good, jti: '1' }), 'DOCUMENT_MALFORMED'],
    ['a jti that is too long', es({ ...good, jti: 'x'.repeat(129) }), 'DOCUMENT_MALFORMED'],
    ['no node', es(without('node')), 'DOCUMENT_MALFORMED'],
    ['a node that is a path', es({ ...good, node: 'a/../b' }), 'DOCUMENT_MALFORMED'],
    ['no uid', es(without('uid')), 'DOCUMENT_MALFORMED'],
    ['a uid that is none', es({ ...good, uid: 'x' }), 'DOCUMENT_MALFORMED'],
    ['no subject', es(without('sub')), 'DOCUMENT_MALFORMED'],
    ['no document at all', 'hello', 'DOCUMENT_MALFORMED'],
    ['an encrypted one', 'e30.e30.e30.e30.e30', 'DOCUMENT_MALFORMED'],
  ])('%s (T21, W26)', (_name, document, reason) => {
    expect(reasonOf(document)).toBe(reason)
  })
})

test('one flipped bit anywhere makes a document nobody takes', () => {
  const bytes = Buffer.from(es(good))
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.nat(7), (at, bit) => {
      const forged = Buffer.from(bytes)
      forged[at] = (forged[at] ?? 0) ^ (1 << bit)
      expect(reasonOf(forged.toString('latin1'))).toMatch(/^DOCUMENT_/)
    }),
    { numRuns: 300 },
  )
})
