import { rm } from 'node:fs/promises'
import { memoryLog, testMetrics, versionedDirectory } from '@pallas/runtime/testing'
import { describe, expect, test } from 'vitest'
import { createEvents } from './events.ts'
import { parsePublicKey } from './public-key.ts'
import { openPublicKeys } from './public-keys.ts'
import { ecKeyPair, KEY_NAME, rsaKeyPair } from './testing/documents.ts'

const ec = ecKeyPair()
const rsa = rsaKeyPair()
const privatePem = ec.privateKey.export({ type: 'pkcs8', format: 'pem' })

describe('a public key', () => {
  test('of P-256 is for ES256, of RSA for RS256', () => {
    expect(parsePublicKey(ec.publicPem)?.algorithm).toBe('ES256')
    expect(parsePublicKey(rsa.publicPem)?.algorithm).toBe('RS256')
  })

  test.each([
    ['P-384', ecKeyPair('P-384').publicPem],
    ['a short RSA key', rsaKeyPair(1_024).publicPem],
    ['a private key, from which one could be derived (W19)', privatePem],
    ['two keys', ec.publicPem + rsa.publicPem],
    ['an RSA key in PKCS#1', rsa.publicKey.export({ type: 'pkcs1', format: 'pem' })],
    ['no PEM', 'hello'],
    ['nothing', ''],
  ])('is not: %s', (_name, pem) => {
    expect(parsePublicKey(pem)).toBeUndefined()
  })
})

async function openDirectory(files: Readonly<Record<string, string>>) {
  await using scope = new AsyncDisposableStack()
  const directory = scope.use(await versionedDirectory(files))
  const { dir, clock } = directory
  const { log, records, text } = memoryLog()
  const events = createEvents({ log, metrics: testMetrics(), clock })
  const keys = scope.use(await openPublicKeys({ dir, name: KEY_NAME, clock, events }))
  const parts = scope.move()
  return { ...directory, keys, records, text, [Symbol.asyncDispose]: () => parts.disposeAsync() }
}

describe('the directory of public keys', () => {
  test('every version verifies, files of other names do not (C6)', async () => {
    await using it = await openDirectory({
      [`${KEY_NAME}.v1`]: ec.publicPem,
      [`${KEY_NAME}.v10`]: rsa.publicPem,
      'other.v2': ec.publicPem,
    })
    expect(it.keys.keyOf(`${KEY_NAME}.v1`)?.algorithm).toBe('ES256')
    expect(it.keys.keyOf(`${KEY_NAME}.v10`)?.algorithm).toBe('RS256')
    expect(it.keys.keyOf('other.v2')).toBeUndefined()
    expect(it.keys.keyOf(`${KEY_NAME}.v2`)).toBeUndefined()
    expect(it.keys.problem()).toBeUndefined()
  })

  test('a key counts from when its file is there until it is not, without restart (T32)', async () => {
    await using it = await openDirectory({ [`${KEY_NAME}.v1`]: ec.publicPem })
    await it.put(`${KEY_NAME}.v2`, rsa.publicPem)
    await it.looked()
    expect(it.keys.keyOf(`${KEY_NAME}.v2`)).toBeDefined()
    await it.remove(`${KEY_NAME}.v1`)
    await it.looked()
    expect(it.keys.keyOf(`${KEY_NAME}.v1`)).toBeUndefined()
  })

  test('a file that is no key is left out, told of without its content, and spoils no other', async () => {
    await using it = await openDirectory({ [`${KEY_NAME}.v1`]: ec.publicPem, [`${KEY_NAME}.v2`]: privatePem })
    expect(it.keys.keyOf(`${KEY_NAME}.v2`)).toBeUndefined()
    expect(it.keys.keyOf(`${KEY_NAME}.v1`)).toBeDefined()
    expect(it.records).toContainEqual(expect.objectContaining({ level: 'error', keyId: `${KEY_NAME}.v2` }))
    expect(it.text()).not.toContain(privatePem.split('\n')[1])
  })

  test('without any key documents are not denied but unavailable, and the service is not ready', async () => {
    await using it = await openDirectory({})
    expect(() => it.keys.keyOf(`${KEY_NAME}.v1`)).toThrow(
      expect.objectContaining({ code: 'SIGNING_KEY_UNAVAILABLE', kind: 'unavailable' }),
    )
    expect(it.keys.problem()).toBe('no public key is loaded')
  })

  test('a directory that cannot be listed any more leaves the keys as they were', async () => {
    await using it = await openDirectory({ [`${KEY_NAME}.v1`]: ec.publicPem })
    await rm(it.dir, { recursive: true })
    await it.looked()
    expect(it.keys.keyOf(`${KEY_NAME}.v1`)).toBeDefined()
    expect(it.records).toContainEqual(
      expect.objectContaining({ level: 'error', msg: 'directory of public keys cannot be read' }),
    )
  })
})
