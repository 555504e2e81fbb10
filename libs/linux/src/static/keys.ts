import { HostError, type Keys, type PrivateKey } from '@pallas/host'
import { native, type NativeKey } from './native.ts'
import { asked } from './refusals.ts'

const { keys } = native
const PEM = /-----BEGIN ([A-Z ]+)-----([A-Za-z0-9+/=\s]+)-----END \1-----/
const LINE = /.{1,64}/g

export const staticKeys = (): Keys => ({
  generate: async () => privateKeyOf(asked(() => keys.generate())),
  import: async (pem) => importKey(pem),
  verify: async ({ scheme, spki, data, signature }) => keys.verify(scheme, spki, data, signature),
  sha256: async (data) => keys.sha256(data),
  hmacSha256: async (key, data) => keys.hmacSha256(key, data),
  randomBytes: (length) => asked(() => keys.randomBytes(length)),
})

function importKey(pem: string): PrivateKey {
  const [, label = '', base64 = ''] = PEM.exec(pem) ?? []
  return privateKeyOf(asked(() => keys.import(label, bytesOf(base64))))
}

function bytesOf(base64: string): Uint8Array {
  try {
    return Uint8Array.fromBase64(base64)
  } catch {
    // What the parser says may quote what it read.
    throw new HostError('HOST_BAD_KEY', 'not a private key in pem')
  }
}

const privateKeyOf = ({ algorithm, pkcs8, spki }: NativeKey): PrivateKey => ({
  algorithm,
  pem: `-----BEGIN PRIVATE KEY-----\n${pkcs8.toBase64().replaceAll(LINE, '$&\n')}-----END PRIVATE KEY-----\n`,
  spki,
  sign: async (data) => asked(() => keys.sign(pkcs8, data)),
})
