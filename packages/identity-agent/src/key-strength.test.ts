import { createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { isStrong } from './key-strength.ts'

const spkiOf = (key: Parameters<typeof createPublicKey>[0]): Uint8Array =>
  createPublicKey(key).export({ type: 'spki', format: 'der' })

/** Of any size, without the search for primes. */
function rsa(bits: number, exponent = Buffer.from([1, 0, 1])): Uint8Array {
  const n = randomBytes(bits / 8)
  n[0] = 0x80 | (n[0] ?? 0)
  n[n.length - 1] = 1 | (n.at(-1) ?? 0)
  const jwk = { kty: 'RSA', n: n.toString('base64url'), e: exponent.toString('base64url') }
  return spkiOf({ key: jwk, format: 'jwk' })
}

const ec = (options: object): Uint8Array => {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256', ...options })
  return publicKey.export({ type: 'spki', format: 'der' })
}

test.each<[string, Uint8Array]>([
  ['P-256', ec({})],
  ['RSA of 2048 bits', rsa(2_048)],
  ['RSA of 4096 bits', rsa(4_096)],
  ['RSA with the exponent 3', rsa(2_048, Buffer.from([3]))],
])('%s gets a certificate (W25)', (_name, spki) => {
  expect(isStrong(spki)).toBe(true)
})

test.each<[string, Uint8Array]>([
  ['RSA of 1024 bits', rsa(1_024)],
  ['RSA of 8192 bits', rsa(8_192)],
  ['RSA with an exponent of 33 bits', rsa(2_048, Buffer.from([1, 0, 0, 0, 1]))],
  ['RSA with an exponent of its whole length', rsa(2_048, Buffer.alloc(256, 0x7f))],
  ['RSA with the exponent 1', rsa(2_048, Buffer.from([1]))],
  ['RSA-PSS', generateKeyPairSync('rsa-pss', { modulusLength: 2_048 }).publicKey.export({ type: 'spki', format: 'der' })],
  ['P-384', ec({ namedCurve: 'P-384' })],
  ['P-256 by explicit parameters', ec({ paramEncoding: 'explicit' })],
  ['Ed25519', generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'der' })],
  ['a point that is not on the curve', ec({}).map((byte, index) => (index === 40 ? byte ^ 1 : byte))],
  ['bytes behind the key', Uint8Array.of(...ec({}), 0)],
  ['nothing', new Uint8Array()],
])('%s does not', (_name, spki) => {
  expect(isStrong(spki)).toBe(false)
})
