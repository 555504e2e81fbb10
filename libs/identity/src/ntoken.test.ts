import { execFileSync } from 'node:child_process'
import { generateKeyPairSync, type KeyObject, sign as nodeSign, verify as nodeVerify } from 'node:crypto'
import { mkdtempDisposableSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  buildNToken,
  formatYBase64,
  type NToken,
  type NTokenClaims,
  parseNToken,
  parseYBase64,
  verifyNToken,
} from './ntoken.ts'

const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
interface Pair {
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
}
const signWith = (pair: Pair) => async (data: Uint8Array) => nodeSign('sha256', data, pair.privateKey)
const verifyWith = (pair: Pair) => async ({ signedData, signature }: NToken) =>
  nodeVerify('sha256', signedData, pair.publicKey, signature)

const NOW = 1_900_000_000
const claims: NTokenClaims = {
  domain: 'media.on-air',
  service: 'web',
  salt: '1f2e3d4c',
  issuedAt: NOW,
  expiresAt: NOW + 3_600,
  keyId: 'v1',
}

describe.each([
  ['p-256', ec],
  ['rsa', rsa],
])('signed with %s', (_kind, pair) => {
  test('a token is what was said, and verifies', async () => {
    const text = await buildNToken(claims, signWith(pair))
    expect(text).toMatch(/^v=S1;d=media\.on-air;n=web;a=1f2e3d4c;t=1900000000;e=1900003600;k=v1;s=[\w.]+-{0,2}$/)
    expect(await verifyNToken(text, NOW, verifyWith(pair))).toMatchObject({ ok: true, token: { claims } })
  })

  test('openssl verifies the signature over everything before it (C8)', async () => {
    const text = await buildNToken(claims, signWith(pair))
    const [words = '', signature = ''] = text.split(';s=')
    using dir = mkdtempDisposableSync(join(tmpdir(), 'ntoken-'))
    const file = (name: string, content: string | Uint8Array) => {
      const path = join(dir.path, name)
      writeFileSync(path, content)
      return path
    }
    const key = file('key.pem', pair.publicKey.export({ format: 'pem', type: 'spki' }))
    const signed = file('signature', parseYBase64(signature) ?? new Uint8Array())
    const args = ['dgst', '-sha256', '-verify', key, '-signature', signed, file('words', words)]
    expect(execFileSync('openssl', args, { encoding: 'utf8' })).toContain('Verified OK')
  })

  test('a token with another word does not verify', async () => {
    const text = (await buildNToken(claims, signWith(pair))).replace('n=web', 'n=db')
    expect(await verifyNToken(text, NOW, verifyWith(pair))).toEqual({ ok: false, fault: 'signature' })
  })

  test('a token signed by another key does not verify', async () => {
    const other = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const text = await buildNToken(claims, signWith(other))
    expect(await verifyNToken(text, NOW, verifyWith(pair))).toEqual({ ok: false, fault: 'signature' })
  })
})

test('whatever claims are built are the claims parsed', async () => {
  const word = fc.stringMatching(/^[a-zA-Z0-9_.-]{1,20}$/)
  const seconds = fc.nat(4_000_000_000)
  const anyClaims = fc.record(
    {
      domain: word,
      service: word,
      salt: fc.stringMatching(/^[0-9a-f]{1,16}$/),
      issuedAt: seconds,
      expiresAt: seconds,
      keyId: word,
      host: word,
      ip: fc.oneof(fc.ipV4(), fc.ipV6()),
      keyService: fc.constantFrom('zts' as const, 'zms' as const),
    },
    { requiredKeys: ['domain', 'service', 'salt', 'issuedAt', 'expiresAt', 'keyId'] },
  )
  await fc.assert(
    fc.asyncProperty(anyClaims, fc.uint8Array({ minLength: 1, maxLength: 80 }), async (said, signature) => {
      const token = parseNToken(await buildNToken(said, async () => signature))
      expect(token?.claims).toEqual(said)
      expect(token?.signature).toEqual(signature)
    }),
  )
})

test('fields are read in any order, and the key is 0 when none is named', () => {
  const token = parseNToken('e=20;t=10;n=web;a=ff;d=media;v=S1;h=host;i=::1;z=zts;o=x;b=y;s=AQ--')
  expect(token?.claims).toEqual({
    domain: 'media',
    service: 'web',
    salt: 'ff',
    issuedAt: 10,
    expiresAt: 20,
    keyId: '0',
    host: 'host',
    ip: '::1',
    keyService: 'zts',
  })
  expect(token?.signature).toEqual(Uint8Array.of(1))
})

const GOOD = 'v=S1;d=media;n=web;a=ff;t=10;e=20;k=0;s=AQ--'

test.each([
  ['empty', ''],
  ['without signature', GOOD.replace(/;s=.*/, '')],
  ['with an empty signature', GOOD.replace('AQ--', '')],
  ['with the signature in standard base64', GOOD.replace('AQ--', 'AQ==')],
  ['with half a signature', GOOD.replace('AQ--', 'A')],
  ['with a padded signature cut', GOOD.replace('AQ--', 'AQ-')],
  ['of a user', GOOD.replace('v=S1', 'v=U1')],
  ['of a role', GOOD.replace('v=S1', 'v=Z1')],
  ['without domain', GOOD.replace('d=media;', '')],
  ['without service', GOOD.replace('n=web;', '')],
  ['without salt', GOOD.replace('a=ff;', '')],
  ['without expiry', GOOD.replace('e=20;', '')],
  ['with a domain twice', GOOD.replace('n=web', 'n=web;d=bank')],
  ['with two equal signs in a field', GOOD.replace('d=media', 'd=me=dia')],
  ['with an empty field', GOOD.replace('n=web;', 'n=;')],
  ['with an empty part', GOOD.replace('n=web;', 'n=web;;')],
  ['with a field that nobody knows', GOOD.replace('n=web', 'n=web;x=1')],
  ['with a second signature', `${GOOD};bk=0;bs=AQ--`],
  ['with times in hex', GOOD.replace('e=20', 'e=0x20')],
  ['with times below zero', GOOD.replace('e=20', 'e=-20')],
  ['with times beyond counting', GOOD.replace('e=20', 'e=9999999999999')],
  ['with a blank', GOOD.replace('media', 'me dia')],
  ['with a newline', `${GOOD}\n`],
  ['beyond ascii', GOOD.replace('media', 'medïa')],
  ['signed by who knows', GOOD.replace('k=0', 'k=0;z=me')],
  ['longer than 4 KiB', GOOD.replace('media', 'm'.repeat(4_096))],
])('a token %s is malformed', async (_what, text) => {
  expect(parseNToken(GOOD)).toBeDefined()
  expect(parseNToken(text)).toBeUndefined()
  expect(await verifyNToken(text, 15, async () => true)).toEqual({ ok: false, fault: 'malformed' })
})

test.each([
  ['just issued by a clock five minutes ahead', { issuedAt: NOW + 300, expiresAt: NOW + 3_600 }, undefined],
  ['issued by a clock further ahead', { issuedAt: NOW + 301, expiresAt: NOW + 3_600 }, 'not-yet-valid'],
  ['that ends now', { issuedAt: NOW - 10, expiresAt: NOW }, undefined],
  ['that has ended', { issuedAt: NOW - 10, expiresAt: NOW - 1 }, 'expired'],
  ['for 30 days and five minutes', { issuedAt: NOW, expiresAt: NOW + 30 * 86_400 + 300 }, undefined],
  ['for longer', { issuedAt: NOW, expiresAt: NOW + 30 * 86_400 + 301 }, 'too-long-lived'],
])('a token %s is judged by its times: %j', async (_what, times, fault) => {
  const text = await buildNToken({ ...claims, ...times }, signWith(ec))
  const verdict = await verifyNToken(text, NOW, verifyWith(ec))
  expect(verdict.ok ? undefined : verdict.fault).toBe(fault)
})

test('nothing is verified of a token whose times are wrong', async () => {
  const text = await buildNToken(claims, signWith(ec))
  expect(await verifyNToken(text, NOW + 3_601, () => expect.unreachable())).toEqual({ ok: false, fault: 'expired' })
})

test.each([
  ['a semicolon', { domain: 'a;n=b' }],
  ['an equal sign', { service: 'a=b' }],
  ['nothing', { domain: '' }],
  ['a salt that is not hex', { salt: 'xyz' }],
  ['half a second', { issuedAt: 1.5 }],
])('no token is built of %s', async (_what, wrong) => {
  await expect(buildNToken({ ...claims, ...wrong }, signWith(ec))).rejects.toMatchObject({ code: 'INTERNAL' })
})

describe("yahoo's base64", () => {
  test('survives the trip, and is the standard one in other letters', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        const text = formatYBase64(bytes)
        expect(parseYBase64(text)).toEqual(bytes)
        const standard = Buffer.from(bytes).toString('base64')
        expect(text).toBe(standard.replaceAll('+', '.').replaceAll('/', '_').replaceAll('=', '-'))
      }),
    )
  })

  test.each(['+/==', 'A', 'AB', 'AB-', 'A---', 'AB--A', 'AR--', ' AQ--', 'AQ--\n', 'Aä--'])('is not %j', (text) => {
    expect(parseYBase64(text)).toBeUndefined()
  })
})
