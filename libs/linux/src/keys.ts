/** Keys and digests by `node:crypto`. */
import { HostError, type Keys, type PrivateKey, type SignatureCheck } from '@pallas/host'
import {
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  type KeyObject,
  randomBytes,
  sign,
  verify,
} from 'node:crypto'

const RSA_BITS = { least: 2048, most: 8192 } as const
/** What a longer one costs in every check of a signature, it gives to nobody. */
const RSA_EXPONENT = { least: 3n, most: 2n ** 32n - 1n } as const
const PROBE = Buffer.from('halves of one key')

export const nodeKeys = (): Keys => ({
  generate: async () => privateKeyOf(await newKey(), 'ec-p256'),
  import: importKey,
  verify: verifySignature,
  sha256: async (data) => plain(createHash('sha256').update(data).digest()),
  hmacSha256: async (key, data) => plain(createHmac('sha256', key).update(data).digest()),
  randomBytes: (length) => plain(randomBytes(length)),
})

/** By callback, since importing `node:util` for its `promisify` costs every program a megabyte. */
function newKey(): Promise<KeyObject> {
  const { promise, resolve, reject } = Promise.withResolvers<KeyObject>()
  generateKeyPair('ec', { namedCurve: 'P-256' }, (error, _publicKey, privateKey) => {
    if (error === null) resolve(privateKey)
    else reject(error)
  })
  return promise
}

async function importKey(pem: string): Promise<PrivateKey> {
  const key = readPrivateKey(pem)
  const algorithm = algorithmOf(key)
  if (algorithm === undefined) throw new HostError('HOST_BAD_KEY', 'neither p-256 nor rsa of 2048 to 8192 bits and a short exponent')
  const result = privateKeyOf(key, algorithm)
  const scheme = algorithm === 'rsa' ? 'rsa-sha256' : 'ecdsa-sha256'
  // A key file may carry any public half; the certificate would then be for a key that nobody holds.
  const signature = await result.sign(PROBE).catch(() => new Uint8Array())
  if (await verifySignature({ scheme, spki: result.spki, data: PROBE, signature })) return result
  throw new HostError('HOST_BAD_KEY', 'the halves of the key do not belong together')
}

function readPrivateKey(pem: string): KeyObject {
  try {
    return createPrivateKey(pem)
  } catch {
    // What the parser says may quote what it read.
    throw new HostError('HOST_BAD_KEY', 'not a private key in pem')
  }
}

function algorithmOf(key: KeyObject): PrivateKey['algorithm'] | undefined {
  if (key.asymmetricKeyType === 'ec') return key.asymmetricKeyDetails?.namedCurve === 'prime256v1' ? 'ec-p256' : undefined
  return isModestRsa(key) ? 'rsa' : undefined
}

/** Neither weak nor costly. Asked before the key is computed with. */
function isModestRsa({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): boolean {
  const { modulusLength = 0, publicExponent = 0n } = asymmetricKeyDetails ?? {}
  const fits = modulusLength >= RSA_BITS.least && modulusLength <= RSA_BITS.most
  return asymmetricKeyType === 'rsa' && fits && publicExponent >= RSA_EXPONENT.least && publicExponent <= RSA_EXPONENT.most
}

const privateKeyOf = (key: KeyObject, algorithm: PrivateKey['algorithm']): PrivateKey => ({
  algorithm,
  pem: key.export({ type: 'pkcs8', format: 'pem' }),
  spki: plain(createPublicKey(key).export({ type: 'spki', format: 'der' })),
  sign: (data) => signSha256(key, data),
})

async function signSha256(key: KeyObject, data: Uint8Array): Promise<Uint8Array> {
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>()
  sign('sha256', data, { key, dsaEncoding: 'der' }, (error, signature) => {
    if (error === null) resolve(plain(signature))
    else reject(new HostError('HOST_BAD_KEY', 'the key does not sign', {}, error))
  })
  return promise
}

async function verifySignature({ scheme, spki, data, signature }: SignatureCheck): Promise<boolean> {
  const [family, hash] = scheme.split('-') as ['ecdsa' | 'rsa', string]
  try {
    const key = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' })
    if (!fits(key, family)) return false
    const { promise, resolve } = Promise.withResolvers<boolean>()
    verify(hash, data, { key, dsaEncoding: 'der' }, signature, (error, good) => resolve(error === null && good))
    return await promise
  } catch {
    return false
  }
}

const fits = (key: KeyObject, family: 'ecdsa' | 'rsa'): boolean =>
  family === 'ecdsa' ? key.asymmetricKeyType === 'ec' : isModestRsa(key)

/** A copy that is no `Buffer`, so that no caller comes to lean on one. */
const plain = (bytes: Uint8Array): Uint8Array => new Uint8Array(bytes)
