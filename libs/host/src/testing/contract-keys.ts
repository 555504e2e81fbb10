import { createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { bytes, type HostUnderTest, type Lack } from './under-test.ts'

/** What OpenSSL makes of the same bytes is the judge: `node:crypto` here, whatever stands behind the door. */
const ec = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve }).privateKey
const rsa = (modulusLength: number, publicExponent = 65_537) =>
  generateKeyPairSync('rsa', { modulusLength, publicExponent }).privateKey
const spkiOf = (key: KeyObject) => createPublicKey(key).export({ type: 'spki', format: 'der' })
const publicKey = (spki: Uint8Array) => createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' })
const hex = (data: Uint8Array) => Buffer.from(data).toString('hex')
const DATA = bytes('signed by whom?')

export function describeKeys(open: () => Promise<HostUnderTest>, lacks: ReadonlySet<Lack>): void {
  describe.skipIf(lacks.has('keys'))('keys', () => {
    describePrivateKeys(open)
    describeRefusedKeys(open)
    describeSignatures(open)
    describeDigests(open)
  })
}

function describePrivateKeys(open: () => Promise<HostUnderTest>): void {
  test('a new key is a P-256 key in PKCS#8 that openssl reads, and no two are the same', async () => {
    await using it = await open()
    const [key, other] = [await it.host.keys.generate(), await it.host.keys.generate()]
    expect(key.algorithm).toBe('ec-p256')
    expect(key.pem).toMatch(/^-----BEGIN PRIVATE KEY-----\n[A-Za-z0-9+/=\n]+-----END PRIVATE KEY-----\n$/)
    expect(publicKey(key.spki).asymmetricKeyDetails).toMatchObject({ namedCurve: 'prime256v1' })
    expect(hex(key.spki)).not.toBe(hex(other.spki))
    expect(hex((await it.host.keys.import(key.pem)).spki)).toBe(hex(key.spki))
  })

  const p256 = ec('P-256')
  const rsa2048 = rsa(2048)
  test.each([
    ['PKCS#8 P-256', p256, p256.export({ type: 'pkcs8', format: 'pem' }), 'ec-p256'],
    ['SEC1 P-256', p256, p256.export({ type: 'sec1', format: 'pem' }), 'ec-p256'],
    ['PKCS#8 RSA', rsa2048, rsa2048.export({ type: 'pkcs8', format: 'pem' }), 'rsa'],
    ['PKCS#1 RSA', rsa2048, rsa2048.export({ type: 'pkcs1', format: 'pem' }), 'rsa'],
  ])('a %s key is read, signs, and leaves as PKCS#8', async (_name, key, pem, algorithm) => {
    await using it = await open()
    const imported = await it.host.keys.import(pem)
    expect(imported.algorithm).toBe(algorithm)
    expect(hex(imported.spki)).toBe(hex(spkiOf(key)))
    expect(imported.pem).toContain('-----BEGIN PRIVATE KEY-----')
    expect(verify('sha256', DATA, createPublicKey(key), await imported.sign(DATA))).toBe(true)
  })
}

function describeRefusedKeys(open: () => Promise<HostUnderTest>): void {
  const good = ec('P-256').export({ type: 'pkcs8', format: 'pem' })
  test.each([
    ['RSA of 1024 bits', () => rsa(1024).export({ type: 'pkcs8', format: 'pem' })],
    ['P-384', () => ec('P-384').export({ type: 'pkcs8', format: 'pem' })],
    ['secp256k1', () => ec('secp256k1').export({ type: 'sec1', format: 'pem' })],
    ['Ed25519', () => generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' })],
    ['an encrypted key', () => ec('P-256').export({ type: 'pkcs8', format: 'pem', cipher: 'aes-128-cbc', passphrase: 'x' })],
    ['a public key', () => createPublicKey(ec('P-256')).export({ type: 'spki', format: 'pem' })],
    ['no key at all', () => ''],
    ['text', () => 'hunter2-hunter2'],
    ['a key cut short', () => good.slice(0, good.length / 2)],
    ['a key whose base64 is spoiled', () => good.replace(/\n.{10}/, '\n!hunter2!!')],
    ['a private key with the public half of another', () => mixedKey()],
  ])('%s is refused without an echo', async (_name, pem) => {
    await using it = await open()
    const input = pem()
    const error: unknown = await it.host.keys.import(input).then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    expect(error).toMatchObject({ name: 'HostError', code: 'HOST_BAD_KEY' })
    const told = `${String(error)} ${JSON.stringify(error)} ${String((error as Error).cause)}`
    expect(told).not.toContain('hunter2')
    if (input.length > 80) expect(told).not.toContain(input.slice(40, 60))
  })
}

/** `ECPrivateKey` holds both halves; nothing in it makes them belong together. */
function mixedKey(): string {
  const [mine, other] = [ec('P-256'), ec('P-256')]
  const sec1 = mine.export({ type: 'sec1', format: 'der' })
  const point = spkiOf(other).subarray(-65)
  const der = Buffer.concat([sec1.subarray(0, sec1.length - 65), point])
  return `-----BEGIN EC PRIVATE KEY-----\n${der.toString('base64')}\n-----END EC PRIVATE KEY-----\n`
}

function describeSignatures(open: () => Promise<HostUnderTest>): void {
  const p256 = ec('P-256')
  const p384 = ec('P-384')
  const rsa3072 = rsa(3072)

  test.each([
    ['ecdsa-sha256', p256, 'sha256'],
    ['ecdsa-sha384', p256, 'sha384'],
    ['ecdsa-sha384', p384, 'sha384'],
    ['rsa-sha256', rsa3072, 'sha256'],
    ['rsa-sha384', rsa3072, 'sha384'],
    ['rsa-sha512', rsa3072, 'sha512'],
  ] as const)('an %s signature by openssl verifies, and no other', async (scheme, key, hash) => {
    await using it = await open()
    const { keys } = it.host
    const good = { scheme, spki: new Uint8Array(spkiOf(key)), data: DATA, signature: new Uint8Array(sign(hash, DATA, key)) }
    expect(await keys.verify(good)).toBe(true)
    expect(await keys.verify({ ...good, data: bytes('other') })).toBe(false)
    expect(await keys.verify({ ...good, spki: (await keys.generate()).spki })).toBe(false)
    expect(await keys.verify({ ...good, scheme: scheme.startsWith('rsa') ? 'ecdsa-sha256' : 'rsa-sha256' })).toBe(false)
    const spoiled = good.signature.slice()
    spoiled[spoiled.length - 1]! ^= 1
    expect(await keys.verify({ ...good, signature: spoiled })).toBe(false)
  })

  const signature = new Uint8Array(sign('sha256', DATA, p256))
  const spki = new Uint8Array(spkiOf(p256))
  const weak = rsa(1024)
  test.each([
    ['no signature', { spki, signature: new Uint8Array() }],
    ['no key', { spki: new Uint8Array(), signature }],
    ['a key that is no DER', { spki: bytes('hunter2'), signature }],
    ['a signature as r and s without DER', { spki, signature: new Uint8Array(sign('sha256', DATA, { key: p256, dsaEncoding: 'ieee-p1363' })) }],
    ['a signature with a byte after it', { spki, signature: Uint8Array.from([...signature, 0]) }],
    ['a signature of zeros', { spki, signature: Uint8Array.from([0x30, 6, 2, 1, 0, 2, 1, 0]) }],
  ])('%s verifies nothing and throws nothing', async (_name, part) => {
    await using it = await open()
    expect(await it.host.keys.verify({ scheme: 'ecdsa-sha256', data: DATA, ...part })).toBe(false)
  })

  test('RSA of 1024 bits verifies nothing', async () => {
    await using it = await open()
    const check = { scheme: 'rsa-sha256', spki: new Uint8Array(spkiOf(weak)), data: DATA } as const
    expect(await it.host.keys.verify({ ...check, signature: new Uint8Array(sign('sha256', DATA, weak)) })).toBe(false)
  })
}

function describeDigests(open: () => Promise<HostUnderTest>): void {
  test.each([
    ['', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
    ['abc', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
  ])('SHA-256 of "%s" is that of FIPS 180-2', async (input, digest) => {
    await using it = await open()
    expect(hex(await it.host.keys.sha256(bytes(input)))).toBe(digest)
  })

  test.each([
    ['0b'.repeat(20), Buffer.from('Hi There'), 'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7'],
    ['4a656665', Buffer.from('what do ya want for nothing?'), '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843'],
    ['aa'.repeat(131), Buffer.from('Test Using Larger Than Block-Size Key - Hash Key First'), '60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54'],
  ])('HMAC-SHA256 with key %s is that of RFC 4231', async (key, data, mac) => {
    await using it = await open()
    expect(hex(await it.host.keys.hmacSha256(new Uint8Array(Buffer.from(key, 'hex')), new Uint8Array(data)))).toBe(mac)
  })

  test('random bytes have the length asked for and do not repeat', async () => {
    await using it = await open()
    const { keys } = it.host
    expect(keys.randomBytes(0)).toHaveLength(0)
    expect(keys.randomBytes(32)).toHaveLength(32)
    expect(hex(keys.randomBytes(32))).not.toBe(hex(keys.randomBytes(32)))
  })
}
