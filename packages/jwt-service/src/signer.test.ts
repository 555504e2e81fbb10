import { execFile } from 'node:child_process'
import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { IdentityError } from '@pallas/identity'
import { jwtVerify } from 'jose'
import { describe, expect, test } from 'vitest'
import { createSigner } from './signer.ts'
import type { SigningKey } from './signing-key.ts'

const NOW = Date.parse('2030-01-01T00:00:00.900Z')
const SECONDS = Date.parse('2030-01-01T00:00:00Z') / 1_000
const NAMES = { id: 'athenz-init-secret.v3', uri: 'secret:athenz-init-secret?version=v3' }
const facts = { sub: 'pod:a/b?d=x&n=y&i=10.0.0.1', node: 'node-1', uid: '4f14e5f4-0d7c-4c58-9c3a-2a7f6a1f0c11' }

const keys: Readonly<Record<SigningKey['algorithm'], KeyObject>> = {
  ES256: generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey,
  RS256: generateKeyPairSync('rsa', { modulusLength: 2_048 }).privateKey,
}

const signerWith = (algorithm: SigningKey['algorithm']) =>
  createSigner({
    newest: () => ({ ...NAMES, algorithm, key: keys[algorithm] }),
    clock: { now: () => NOW },
    lifeMs: 300_000,
    newId: () => 'id-of-document',
  })

const partsOf = (document: string) => document.split('.') as [string, string, string]

describe.each(['ES256', 'RS256'] as const)('%s', (algorithm) => {
  test('the header names the key twice, the claims say what they must', async () => {
    const { document, jti, keyId } = await signerWith(algorithm)(facts)
    const [header, claims] = partsOf(document).map((part) => Buffer.from(part, 'base64url').toString())
    expect(JSON.parse(header ?? '')).toEqual({ alg: algorithm, typ: 'JWT', kid: NAMES.id, iss: NAMES.uri })
    expect(JSON.parse(claims ?? '')).toEqual({
      aud: 'k8s-athenz-identity',
      iss: NAMES.uri,
      iat: SECONDS,
      nbf: SECONDS,
      exp: SECONDS + 300,
      jti: 'id-of-document',
      ...facts,
    })
    expect({ jti, keyId }).toEqual({ jti: 'id-of-document', keyId: NAMES.id })
  })

  test('another implementation verifies the signature', async () => {
    const { document } = await signerWith(algorithm)(facts)
    const options = { algorithms: [algorithm], audience: 'k8s-athenz-identity', currentDate: new Date(NOW) }
    const { payload } = await jwtVerify(document, createPublicKey(keys[algorithm]), options)
    expect(payload.sub).toBe(facts.sub)
  })

  test('openssl verifies the signature, and not over anything else', async () => {
    const { document } = await signerWith(algorithm)(facts)
    const [header, claims, signature] = partsOf(document)
    const raw = Buffer.from(signature, 'base64url')
    const der = algorithm === 'ES256' ? derOf(raw) : raw
    expect(await opensslSays(keys[algorithm], `${header}.${claims}`, der)).toBe('Verified OK')
    expect(await opensslSays(keys[algorithm], `${header}.${claims}x`, der)).toBe('Verification failure')
  })
})

const noKey = () => {
  throw new IdentityError('SIGNING_KEY_UNAVAILABLE', 'none')
}

test('without a key there is no document', async () => {
  const sign = createSigner({ newest: noKey, clock: { now: () => NOW }, lifeMs: 300_000, newId: () => 'x' })
  await expect(sign(facts)).rejects.toMatchObject({ code: 'SIGNING_KEY_UNAVAILABLE', kind: 'unavailable' })
})

function integer(bytes: Buffer): Buffer {
  const start = bytes.findIndex((byte) => byte !== 0)
  const digits = bytes.subarray(start === -1 ? bytes.length - 1 : start)
  const positive = (digits[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.of(0), digits]) : digits
  return Buffer.concat([Buffer.of(0x02, positive.length), positive])
}

/** `r || s` as the DER `SEQUENCE { INTEGER r, INTEGER s }` that openssl reads. */
function derOf(raw: Buffer): Buffer {
  expect(raw).toHaveLength(64)
  const both = Buffer.concat([integer(raw.subarray(0, 32)), integer(raw.subarray(32))])
  return Buffer.concat([Buffer.of(0x30, both.length), both])
}

async function opensslSays(key: KeyObject, text: string, signature: Buffer): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'jws-'))
  try {
    const file = async (name: string, content: string | Buffer): Promise<string> => {
      await writeFile(join(dir, name), content)
      return join(dir, name)
    }
    const pub = await file('pub.pem', createPublicKey(key).export({ type: 'spki', format: 'pem' }))
    const args = [
      'dgst',
      '-sha256',
      '-verify',
      pub,
      '-signature',
      await file('sig', signature),
      await file('text', text),
    ]
    const { stdout } = await promisify(execFile)('openssl', args).catch((error: { stdout: string }) => error)
    return stdout.trim().split('\n')[0] ?? ''
  } finally {
    await rm(dir, { recursive: true })
  }
}
