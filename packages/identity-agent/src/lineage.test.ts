import { generateKeyPairSync } from 'node:crypto'
import { nodeKey, TestCa } from '@pallas/x509/testing'
import { nodeHost } from '@pallas/linux'
import { expect, test } from 'vitest'
import { openPair } from './lineage.ts'

const { keys } = nodeHost()

/** The key door, and how often a private key was computed with. */
function counted() {
  let imports = 0
  return {
    imports: () => imports,
    import: (pem: string) => {
      imports += 1
      return keys.import(pem)
    },
  }
}

const pemOf = (object: ReturnType<typeof nodeKey>['object']) => object.export({ type: 'pkcs8', format: 'pem' })

test('a pair that belongs together is opened', async () => {
  const ca = await TestCa.create()
  const key = nodeKey()
  const { certPem } = await ca.issue({ commonName: 'a', key: key.spki })
  const door = counted()
  const { leaf } = await openPair({ keyPem: pemOf(key.object), certPem }, door)
  expect(Buffer.from(leaf.spki)).toEqual(Buffer.from(key.spki))
  expect(door.imports()).toBe(1)
})

test.each(['another key', 'no key', 'a public key', 'no certificate', 'a key that gets no certificate'])(
  'the private key is not computed with when there is %s',
  async (what) => {
    const ca = await TestCa.create()
    const key = nodeKey()
    const wrong = generateKeyPairSync('ec', { namedCurve: 'P-384' })
    const { certPem } = await ca.issue({ commonName: 'a', key: key.spki })
    const own = pemOf(key.object)
    const pairs: Record<string, { keyPem: string; certPem: string }> = {
      'another key': { keyPem: pemOf(nodeKey('rsa').object), certPem },
      'no key': { keyPem: 'hello', certPem },
      'a public key': { keyPem: wrong.publicKey.export({ type: 'spki', format: 'pem' }), certPem },
      'no certificate': { keyPem: own, certPem: '' },
      'a key that gets no certificate': {
        keyPem: pemOf(wrong.privateKey),
        certPem: (await ca.issue({ commonName: 'a', key: wrong.publicKey.export({ type: 'spki', format: 'der' }) })).certPem,
      },
    }
    const pair = pairs[what]
    if (pair === undefined) throw new Error(what)
    const door = counted()
    await expect(openPair(pair, door)).rejects.toMatchObject({ code: 'CREDENTIALS_INVALID' })
    expect(door.imports()).toBe(0)
  },
)
