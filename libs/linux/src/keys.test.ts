import { createPrivateKey, generateKeyPairSync } from 'node:crypto'
import { expect, test } from 'vitest'
import { nodeKeys } from './keys.ts'

const keys = nodeKeys()
const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 })
const jwk = privateKey.export({ format: 'jwk' })
const e = Buffer.alloc(256, 0x55).toString('base64url')

test('an rsa key with an exponent as long as itself is refused before it is computed with', async () => {
  const pem = createPrivateKey({ key: { ...jwk, e }, format: 'jwk' }).export({ type: 'pkcs8', format: 'pem' })
  await expect(keys.import(pem)).rejects.toMatchObject({ code: 'HOST_BAD_KEY', message: expect.stringContaining('exponent') })
})
