import { generateKeyPairSync } from 'node:crypto'
import { memoryLog, testMetrics, versionedDirectory } from '@pallas/runtime/testing'
import { describe, expect, test } from 'vitest'
import { createEvents } from './events.ts'
import { openSigningKeys } from './keys.ts'
import { parseSigningKey } from './signing-key.ts'

const NAME = 'athenz-init-secret'
const { privateKey: ec } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const { privateKey: rsa } = generateKeyPairSync('rsa', { modulusLength: 2_048 })
const pkcs8 = ec.export({ type: 'pkcs8', format: 'pem' })
const sec1 = ec.export({ type: 'sec1', format: 'pem' })
const pkcs1 = rsa.export({ type: 'pkcs1', format: 'pem' })
const weak = generateKeyPairSync('rsa', { modulusLength: 1_024 }).privateKey.export({ type: 'pkcs8', format: 'pem' })

describe('a signing key', () => {
  test.each([
    ['PKCS#8', pkcs8, 'ES256'],
    ['SEC1', sec1, 'ES256'],
    [
      'SEC1 after its parameters, as openssl writes it',
      `-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n${sec1}`,
      'ES256',
    ],
    ['PKCS#1', pkcs1, 'RS256'],
    ['PKCS#8 of an RSA key', rsa.export({ type: 'pkcs8', format: 'pem' }), 'RS256'],
  ])('may be %s (W25, C6)', (_name, pem, algorithm) => {
    expect(parseSigningKey(pem)?.algorithm).toBe(algorithm)
  })

  test.each([
    ['a short RSA key', weak],
    ['P-384', generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey.export({ type: 'pkcs8', format: 'pem' })],
    ['Ed25519', generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' })],
    ['an encrypted key', ec.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' })],
    ['half a key', pkcs8.slice(0, 80)],
    ['nothing', ''],
  ])('may not be %s', (_name, pem) => {
    expect(parseSigningKey(pem)).toBeUndefined()
  })
})

async function openDirectory(files: Readonly<Record<string, string>>) {
  await using scope = new AsyncDisposableStack()
  const directory = scope.use(await versionedDirectory(files))
  const { dir, clock } = directory
  const { log, records, text } = memoryLog()
  const metrics = testMetrics()
  const keys = scope.use(await openSigningKeys({ dir, name: NAME, clock, events: createEvents({ log, metrics, clock }) }))
  const parts = scope.move()
  const unusable = () => metrics.value('newest_signing_key_unusable')
  return { ...directory, keys, records, text, unusable, [Symbol.asyncDispose]: () => parts.disposeAsync() }
}

describe('the directory of signing keys', () => {
  test('the newest by number signs, and has both its names (C6)', async () => {
    await using it = await openDirectory({
      [`${NAME}.v9`]: pkcs1,
      [`${NAME}.v10`]: pkcs8,
      'other.v11': pkcs1,
      '..data': 'x',
    })
    expect(it.keys.newest()).toMatchObject({ id: `${NAME}.v10`, uri: `secret:${NAME}?version=v10`, algorithm: 'ES256' })
    expect(it.keys.problem()).toBeUndefined()
  })

  test('a newer key signs as soon as it is there (T32)', async () => {
    await using it = await openDirectory({ [`${NAME}.v1`]: pkcs1 })
    await it.put(`${NAME}.v2`, sec1)
    await it.looked()
    expect(it.keys.newest().id).toBe(`${NAME}.v2`)
  })

  test.each([
    ['there is no key', {}],
    ['the newest is weak', { [`${NAME}.v1`]: pkcs8, [`${NAME}.v2`]: weak }],
    ['the newest is unreadable', { [`${NAME}.v1`]: pkcs8, [`${NAME}.v2`]: 'hello' }],
  ])('at start nothing signs when %s', async (_name, files) => {
    await using it = await openDirectory(files)
    expect(() => it.keys.newest()).toThrow(
      expect.objectContaining({ code: 'SIGNING_KEY_UNAVAILABLE', kind: 'unavailable' }),
    )
    expect(it.keys.problem()).toBe('no signing key can be used')
    expect(await it.unusable()).toBe(1)
  })

  test('a running service goes on with the key it had, loudly, while that key is there', async () => {
    await using it = await openDirectory({ [`${NAME}.v1`]: pkcs8 })
    await it.put(`${NAME}.v2`, weak)
    await it.looked()
    expect(it.keys.newest().id).toBe(`${NAME}.v1`)
    expect(await it.unusable()).toBe(1)
    expect(it.records).toContainEqual(expect.objectContaining({ level: 'error', keyId: `${NAME}.v2` }))

    await it.remove(`${NAME}.v1`)
    await it.looked()
    expect(() => it.keys.newest()).toThrow('no signing key can be used')

    await it.put(`${NAME}.v3`, pkcs1)
    await it.looked()
    expect(it.keys.newest().id).toBe(`${NAME}.v3`)
    expect(await it.unusable()).toBe(0)
  })

  test('a key that cannot be read appears in no error and no log (W18, T46)', async () => {
    const broken = pkcs8.replace('-----BEGIN PRIVATE KEY-----', '-----BEGIN PRIVATE  KEY-----')
    const secret = broken.split('\n')[1] ?? ''
    await using it = await openDirectory({ [`${NAME}.v1`]: broken })
    const error = (() => {
      try {
        return it.keys.newest()
      } catch (thrown) {
        return thrown
      }
    })()
    expect(secret).toHaveLength(64)
    expect(error).toBeInstanceOf(Error)
    expect(
      `${String(error)} ${JSON.stringify(error)} ${String(error instanceof Error && error.cause)} ${it.text()}`,
    ).not.toContain(secret.slice(0, 16))
  })
})
