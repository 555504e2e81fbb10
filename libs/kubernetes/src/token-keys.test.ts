import { generateKeyPairSync } from 'node:crypto'
import type { RequestListener } from 'node:http'
import { expect, test } from 'vitest'
import { createKubeApi } from './api.ts'
import { loopbackCredentials } from './testing/loopback-credentials.ts'
import { serveHttps } from './testing/serve-https.ts'
import { readTokenKeys } from './token-keys.ts'

const credentials = await loopbackCredentials()
const ec = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve }).publicKey.export({ format: 'jwk' })
const rsa = (modulusLength: number) => generateKeyPairSync('rsa', { modulusLength }).publicKey.export({ format: 'jwk' })
const P256 = { ...ec('P-256'), kid: 'p-256', use: 'sig', alg: 'ES256' }

async function keysIn(set: unknown): Promise<string[]> {
  const keys = await readTokenKeys({ read: () => Promise.resolve(set) })
  return keys.map(({ id, algorithm }) => `${id} ${algorithm}`)
}

async function overHttps(handler: RequestListener): Promise<unknown> {
  await using server = await serveHttps(credentials, handler)
  const options = { server: new URL(server.url), ca: credentials.caPem, token: () => Promise.resolve('t'), timeoutMs: 2_000 }
  await using api = createKubeApi(options)
  return await readTokenKeys(api)
}

test('the kind of a key says with what it is used', async () => {
  const keys = [P256, { ...ec('P-384'), kid: 'p-384' }, { ...ec('P-521'), kid: 'p-521', use: 'sig' }, { ...rsa(2_048), kid: 'rsa', alg: 'RS256' }]
  expect(await keysIn({ keys })).toEqual(['p-256 ES256', 'p-384 ES384', 'p-521 ES512', 'rsa RS256'])
})

const { kid: _kid, ...nameless } = P256
test.each<[string, unknown]>([
  ['a shared secret', { kty: 'oct', k: 'AAAA', kid: 'a', alg: 'HS256' }],
  ['another kind of signature', { ...generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' }), kid: 'a' }],
  ['the other kind than its members', { ...P256, kty: 'RSA' }],
  ['another algorithm than is used with its kind', { ...P256, alg: 'RS256' }],
  ['an algorithm that is none', { ...P256, alg: 'none' }],
  ['another use', { ...P256, use: 'enc' }],
  ['no name', nameless],
  ['an empty name', { ...P256, kid: '' }],
  ['a curve that is none', { ...P256, crv: 'toString' }],
  ['a curve that is not of these', { ...ec('secp256k1'), kid: 'a' }],
  ['a point that is not on it', { ...P256, x: P256.y }],
  ['numbers', { ...P256, x: 1 }],
  ['few bits', { ...rsa(512), kid: 'a' }],
  ['null', null],
  ['a text', 'key'],
])('a key with %s is left out, and the others count', async (_name, key) => {
  expect(await keysIn({ keys: [key, P256] })).toEqual(['p-256 ES256'])
  await expect(keysIn({ keys: [key] })).rejects.toMatchObject({ code: 'KUBE_BAD_ANSWER' })
})

test('of a private key the public members are read', async () => {
  const keys = await readTokenKeys({
    read: async () => ({ keys: [{ ...generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' }), kid: 'a' }] }),
  })
  expect(keys.map(({ key }) => key.type)).toEqual(['public'])
})

test.each<[string, unknown]>([
  ['nothing', undefined],
  ['a list', []],
  ['no keys', {}],
  ['keys that are no list', { keys: { 0: P256 } }],
  ['an empty list', { keys: [] }],
  ['a hundred and one', { keys: Array.from({ length: 101 }, () => P256) }],
])('%s is a bad answer', async (_name, set) => {
  await expect(keysIn(set)).rejects.toMatchObject({ code: 'KUBE_BAD_ANSWER' })
})

test('they are asked for in the media type that API servers have them in', async () => {
  const accepted: unknown[] = []
  await overHttps(({ url, headers }, response) => {
    accepted.push(url, headers.accept)
    response.end(JSON.stringify({ keys: [P256] }))
  })
  expect(accepted).toEqual(['/openid/v1/jwks', 'application/jwk-set+json, application/json'])
})

test('an answer that is too long is given up, and a refusal is one', async () => {
  const long = JSON.stringify({ keys: [P256], more: 'x'.repeat(256 * 1_024) })
  await expect(overHttps((_request, response) => void response.end(long))).rejects.toMatchObject({ code: 'KUBE_BAD_ANSWER' })
  await expect(overHttps((_request, response) => void response.writeHead(403).end('{}'))).rejects.toMatchObject({ code: 'KUBE_FORBIDDEN' })
})
